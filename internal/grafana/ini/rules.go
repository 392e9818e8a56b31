package ini

// The rules of this package. docs/checks-grafana-ini.md explains each with an example.
const (
	RuleSyntax           = "ini-syntax"
	RuleFatalValue       = "ini-fatal-value"
	RuleMissingFile      = "ini-missing-file"
	RuleUnsetVariable    = "ini-unset-variable"
	RuleLiteralVariable  = "ini-literal-variable"
	RuleUnknownSection   = "ini-unknown-section"
	RuleUnknownKey       = "ini-unknown-key"
	RuleWrongCase        = "ini-wrong-case"
	RuleRemovedKey       = "ini-removed-key"
	RuleParentKey        = "ini-parent-key"
	RuleEmptyValue       = "ini-empty-value"
	RuleValueCut         = "ini-value-cut"
	RuleJoinedLine       = "ini-joined-line"
	RuleOpenQuote        = "ini-open-quote"
	RuleQuotesRemoved    = "ini-quotes-removed"
	RuleDuplicateKey     = "ini-duplicate-key"
	RuleDuplicateSection = "ini-duplicate-section"
	RuleEnvOverride      = "ini-env-override"
	RuleDefaultUsed      = "ini-default-used"
	RuleNoEffect         = "ini-no-effect"
	RuleAdminPassword    = "ini-admin-password"
)

// Rules are the names of all rules of this package.
func Rules() []string {
	return []string{
		RuleSyntax, RuleFatalValue, RuleMissingFile, RuleUnsetVariable, RuleLiteralVariable, RuleUnknownSection, RuleUnknownKey,
		RuleWrongCase, RuleRemovedKey, RuleParentKey, RuleEmptyValue, RuleValueCut, RuleJoinedLine, RuleOpenQuote, RuleQuotesRemoved, RuleDuplicateKey,
		RuleDuplicateSection, RuleEnvOverride, RuleDefaultUsed, RuleNoEffect, RuleAdminPassword,
	}
}
