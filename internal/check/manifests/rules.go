package manifests

import "reloader/internal/mounts"

// The stable names of the findings in manifests; docs/checks-manifests.md explains each.
const (
	RuleYAML         = "manifest-yaml"
	RuleDuplicateKey = "manifest-duplicate-key"
	RuleValue        = "manifest-value"
	RuleTooLarge     = "manifest-too-large"
	RuleNotJudged    = "manifest-not-judged"
	RuleNoObject     = "manifest-object-missing"
	RuleNoKey        = "manifest-key-missing"
	RuleKeyLeftOut   = "manifest-key-left-out"
	RuleNoVolume     = "manifest-volume-missing"
	RuleTwoMounts    = "manifest-mount-twice"
	RuleHidden       = "manifest-hidden-files"
	RuleSubPath      = mounts.SubPathRule
	RuleNotMounted   = "manifest-not-mounted"
	RuleNotRead      = "manifest-not-read"
	RuleNoPath       = "manifest-path-not-mounted"
	RuleNoConfig     = "manifest-config-missing"
	RuleLifecycle    = "manifest-lifecycle"
	RuleNoService    = "manifest-no-service"
	RuleFlag         = "manifest-flag"
)

// Rules are all names above, in the order of docs/checks-manifests.md.
var Rules = []string{
	RuleYAML, RuleDuplicateKey, RuleValue, RuleTooLarge, RuleNotJudged, RuleNoObject, RuleNoKey, RuleKeyLeftOut, RuleNoVolume, RuleTwoMounts,
	RuleHidden, RuleSubPath, RuleNotMounted, RuleNotRead, RuleNoPath, RuleNoConfig, RuleLifecycle, RuleNoService, RuleFlag,
}
