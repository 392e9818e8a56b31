package alerting

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
)

// The kinds of settings in JSON.
const (
	kindText    = 's'
	kindBool    = 'b'
	kindAny     = 'n' // a number or a string
	kindTextMap = 't'
	kindMap     = 'm'
	kindTexts   = 'l'
	kindMaps    = 'r'
)

// contactType is a kind of receiver with its settings.
type contactType struct {
	name  string
	since grafana.Version
	// fields are the settings, separated by spaces; a kind other than text follows a colon.
	fields   string
	required []string
	check    func(*settingsCheck)
}

// contactTypes are the types of Grafana 12.4. Those that are older than 9.0 have 9.0 as since.
var contactTypes = []contactType{
	{"prometheus-alertmanager", validation.V9, "url basicAuthUser basicAuthPassword", []string{"url"}, checkAlertmanagerURLs},
	{"dingding", validation.V9, "url msgType title message", []string{"url"}, nil},
	{"discord", validation.V9, "title message avatar_url url use_discord_username:b", []string{"url"}, nil},
	{"email", validation.V9, "singleEmail:b addresses message subject", []string{"addresses"}, nil},
	{"googlechat", validation.V9, "url title message hide_open_button:b hide_version_info:b", []string{"url"}, nil},
	{"jira", validation.V12, "api_url project summary description labels:l priority issue_type reopen_transition resolve_transition wont_fix_resolution reopen_duration dedup_key_field fields:m user password api_token",
		[]string{"api_url", "project", "issue_type"}, checkJira},
	{"kafka", validation.V9, "kafkaRestProxy kafkaTopic description details username password apiVersion kafkaClusterId", []string{"kafkaRestProxy", "kafkaTopic"}, checkKafka},
	{"LINE", validation.V9, "token title description", []string{"token"}, nil},
	{"mqtt", validation.V11, "brokerUrl clientId topic message messageFormat username password qos:n retain:b tlsConfig:m", []string{"brokerUrl", "topic"}, checkMQTT},
	{"oncall", validation.V10, "url httpMethod maxAlerts:n authorization_scheme authorization_credentials username password title message", []string{"url"}, checkWebhook},
	{"opsgenie", validation.V9, "apiKey apiUrl message description autoClose:b overridePriority:b sendTagsAs responders:r", []string{"apiKey"}, checkOpsgenie},
	{"pagerduty", validation.V9, "integrationKey severity details:t class component group summary source client client_url url", []string{"integrationKey"}, nil},
	{"pushover", validation.V9, "userKey apiToken priority:n okPriority:n retry:n expire:n device sound okSound uploadImage:b title message", []string{"apiToken", "userKey"}, checkPushover},
	{"sensugo", validation.V9, "url entity check namespace handler apikey message", []string{"url", "apikey"}, nil},
	{"slack", validation.V9, "endpointUrl url token recipient text title username icon_emoji icon_url mentionChannel mentionUsers mentionGroups color footer", nil, checkSlack},
	{"sns", validation.V11, "api_url sigv4:m topic_arn phone_number target_arn subject message attributes:t", nil, checkSNS},
	{"teams", validation.V9, "url message title sectiontitle", []string{"url"}, nil},
	{"telegram", validation.V9, "bottoken chatid message_thread_id message parse_mode disable_web_page_preview:b protect_content:b disable_notifications:b disable_notification:b", []string{"bottoken", "chatid"}, checkTelegram},
	{"threema", validation.V9, "gateway_id recipient_id api_secret title description", []string{"gateway_id", "recipient_id", "api_secret"}, checkThreema},
	{"victorops", validation.V9, "url messageType title description", []string{"url"}, nil},
	{"webex", validation.V9, "message room_id api_url bot_token", nil, checkWebex},
	{"webhook", validation.V9, "url httpMethod maxAlerts:n authorization_scheme authorization_credentials username password title message tlsConfig:m hmacConfig:m headers:t payload:m", []string{"url"}, checkWebhook},
	{"wecom", validation.V9, "endpointUrl url agent_id corp_id secret msgtype message title touser", nil, checkWecom},
}

type settingField struct {
	name string
	kind byte
}

// httpConfigTypes have http_config (the receivers of 12.4); webhook has it since 12.1. 12.4 reads it for all types.
var httpConfigTypes = []string{
	"dingding", "discord", "googlechat", "jira", "kafka", "LINE", "oncall", "opsgenie", "pagerduty", "pushover", "sensugo", "teams", "telegram",
	"threema", "victorops", "webex", "webhook", "wecom",
}

// secretMaps are the settings with secrets below them: Grafana 12.4 looks for those in every contact point, and fails at null.
var secretMaps = map[string][]string{"webhook": {"hmacConfig", "tlsConfig", "http_config", "oauth2", "tls_config"}, "mqtt": {"tlsConfig"}, "sns": {"sigv4"}}

// digitSettings are strings that usually consist of digits.
var digitSettings = []string{"chatid", "message_thread_id", "agent_id", "dedup_key_field", "phone_number"}

const numberHint = "write the digits themselves in quotes; a variable that looks like a number becomes one, even in quotes"

// subSettings are the settings that are maps of settings.
var subSettings = map[string]string{
	"http_config": "oauth2:m",
	"oauth2":      "client_id client_secret token_url scopes:l endpoint_params:t tls_config:m proxy_config:m",
	"tls_config":  "caCertificate clientCertificate clientKey insecureSkipVerify:b ServerName",
	"tlsConfig":   "caCertificate clientCertificate clientKey insecureSkipVerify:b ServerName",
	"hmacConfig":  "secret header timestampHeader",
	"payload":     "template vars:t",
	"sigv4":       "region access_key secret_key profile role_arn",
}

func settingFields(spec string) []settingField {
	var out []settingField
	for f := range strings.FieldsSeq(spec) {
		name, kind, _ := strings.Cut(f, ":")
		if kind == "" {
			kind = "s"
		}
		out = append(out, settingField{name, kind[0]})
	}
	return out
}

// lookupField finds a setting regardless of case, as encoding/json does.
func lookupField(fields []settingField, key string) (string, byte, bool) {
	for _, f := range fields {
		if strings.EqualFold(f.name, key) {
			return f.name, f.kind, true
		}
	}
	return "", 0, false
}

func fieldNames(fields []settingField) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.name)
	}
	return out
}

func isText(v any) bool {
	switch v.(type) {
	case nil, string, time.Time:
		return true
	}
	return unknownValue(v)
}

func isMapOf(v any, fits func(any) bool) bool {
	m, ok := v.(map[string]any)
	for _, item := range m {
		ok = ok && fits(item)
	}
	return ok
}

func isListOf(v any, fits func(any) bool) bool {
	list, ok := v.([]any)
	for _, item := range list {
		ok = ok && (fits(item) || unknownValue(item))
	}
	return ok
}

// oneOf reports a text that is none of the words.
func (s *settingsCheck) oneOf(key string, words ...string) {
	if v, ok := s.text(key); ok && v != "" && !slices.Contains(words, v) {
		s.errorf(ruleCPValue, key, "write "+strings.Join(words, " or "), "'%s' has a value that the type %s does not know", key, s.typ.name)
	}
}

func (s *settingsCheck) url(key string) {
	if v, ok := s.text(key); ok {
		if _, err := url.Parse(v); err != nil {
			s.errorf(ruleCPValue, key, "", "'%s' is not a URL", key)
		}
	}
}
