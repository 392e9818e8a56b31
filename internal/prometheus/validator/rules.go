package validator

// The stable names of findings about Prometheus' files; docs/checks.md explains each.
const (
	RuleConfigMissing   = "prometheus-config-missing"
	RuleYAML            = "prometheus-yaml"
	RuleUnknownField    = "prometheus-unknown-field"
	RuleDuplicateKey    = "prometheus-duplicate-key"
	RuleWrongType       = "prometheus-wrong-type"
	RuleDuration        = "prometheus-duration"
	RuleRegexp          = "prometheus-regexp"
	RuleDuplicateJob    = "prometheus-duplicate-job"
	RuleValue           = "prometheus-value"
	RuleCrash           = "prometheus-crash"
	RuleTarget          = "prometheus-target"
	RuleAgent           = "prometheus-agent"
	RuleFileSD          = "prometheus-file-sd"
	RuleMissingFile     = "prometheus-missing-file"
	RuleDirectory       = "prometheus-pattern-directory"
	RulePatternMain     = "prometheus-pattern-main-file"
	RulePatternCost     = "prometheus-pattern-not-compared"
	RuleDuplicateRemote = "prometheus-duplicate-remote"
	RuleCertificate     = "prometheus-certificate"
	RuleSecondDocument  = "prometheus-second-document"
	RuleServerVersion   = "prometheus-server-version"
	RuleWebConfig       = "prometheus-web-config"
	RuleRulesYAML       = "rule-yaml"
	RuleRulesUnknown    = "rule-unknown-field"
	RuleRulesDuplicate  = "rule-duplicate-key"
	RuleRulesWrongType  = "rule-wrong-type"
	RuleRulesDuration   = "rule-duration"
	RuleGroupName       = "rule-group-name"
	RulePromQL          = "rule-promql"
	RuleTemplate        = "rule-template"
	RuleLabel           = "rule-label"
	RuleRulesValue      = "rule-value"
	RuleDuplicateRule   = "rule-duplicate-rule"
	RuleDocuments       = "rule-second-document"
	RuleUnread          = "prometheus-unread-directory"
	RuleExternal        = "prometheus-external-validator"
	RuleLifecycle       = "prometheus-lifecycle" // only a running server shows this one and the next
	RuleInvisible       = "prometheus-invisible"
	RuleAssumedPath     = "prometheus-assumed-path" // only reloader check makes these two
	RuleUnreadFile      = "prometheus-unread-file"
)

// NotVisible ends the message about a pattern whose directory is not visible.
const NotVisible = "its directory is not visible to reloader, so nothing was checked"

// Rules are all names above, in the order of docs/checks.md.
var Rules = []string{
	RuleConfigMissing, RuleYAML, RuleUnknownField, RuleDuplicateKey, RuleWrongType, RuleDuration, RuleRegexp,
	RuleDuplicateJob, RuleValue, RuleCrash, RuleTarget, RuleAgent, RuleFileSD, RuleMissingFile, RuleDirectory, RulePatternMain, RulePatternCost, RuleDuplicateRemote, RuleCertificate, RuleWebConfig, RuleSecondDocument,
	RuleServerVersion, RuleUnread, RuleExternal, RuleLifecycle, RuleInvisible, RuleAssumedPath, RuleUnreadFile,
	RuleRulesYAML, RuleRulesUnknown, RuleRulesDuplicate, RuleRulesWrongType, RuleRulesDuration, RuleGroupName, RulePromQL,
	RuleTemplate, RuleLabel, RuleRulesValue, RuleDuplicateRule, RuleDocuments,
}
