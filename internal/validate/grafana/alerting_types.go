package grafana

import (
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// The kinds of settings in JSON.
const (
	kindText    = 's'
	kindBool    = 'b'
	kindAny     = 'n' // a number or a text
	kindTextMap = 't'
	kindMap     = 'm'
	kindTexts   = 'l'
	kindMaps    = 'r'
)

// contactType is a kind of receiver with its settings.
type contactType struct {
	name  string
	since Version
	// fields are the settings, parted by spaces; a kind other than text follows a colon.
	fields   string
	required []string
	check    func(*alSettingsCheck)
}

// contactTypes are the types of 12.4; since is 9.0 for those that were there before.
var contactTypes = []contactType{
	{"prometheus-alertmanager", v9, "url basicAuthUser basicAuthPassword", []string{"url"}, checkAlertmanagerURLs},
	{"dingding", v9, "url msgType title message", []string{"url"}, nil},
	{"discord", v9, "title message avatar_url url use_discord_username:b", []string{"url"}, nil},
	{"email", v9, "singleEmail:b addresses message subject", []string{"addresses"}, nil},
	{"googlechat", v9, "url title message hide_open_button:b hide_version_info:b", []string{"url"}, nil},
	{"jira", v12, "api_url project summary description labels:l priority issue_type reopen_transition resolve_transition wont_fix_resolution reopen_duration dedup_key_field fields:m user password api_token",
		[]string{"api_url", "project", "issue_type"}, checkJira},
	{"kafka", v9, "kafkaRestProxy kafkaTopic description details username password apiVersion kafkaClusterId", []string{"kafkaRestProxy", "kafkaTopic"}, checkKafka},
	{"LINE", v9, "token title description", []string{"token"}, nil},
	{"mqtt", v11, "brokerUrl clientId topic message messageFormat username password qos:n retain:b tlsConfig:m", []string{"brokerUrl", "topic"}, checkMQTT},
	{"oncall", v10, "url httpMethod maxAlerts:n authorization_scheme authorization_credentials username password title message", []string{"url"}, checkWebhook},
	{"opsgenie", v9, "apiKey apiUrl message description autoClose:b overridePriority:b sendTagsAs responders:r", []string{"apiKey"}, checkOpsgenie},
	{"pagerduty", v9, "integrationKey severity details:t class component group summary source client client_url url", []string{"integrationKey"}, nil},
	{"pushover", v9, "userKey apiToken priority:n okPriority:n retry:n expire:n device sound okSound uploadImage:b title message", []string{"apiToken", "userKey"}, checkPushover},
	{"sensugo", v9, "url entity check namespace handler apikey message", []string{"url", "apikey"}, nil},
	{"slack", v9, "endpointUrl url token recipient text title username icon_emoji icon_url mentionChannel mentionUsers mentionGroups color footer", nil, checkSlack},
	{"sns", v11, "api_url sigv4:m topic_arn phone_number target_arn subject message attributes:t", nil, checkSNS},
	{"teams", v9, "url message title sectiontitle", []string{"url"}, nil},
	{"telegram", v9, "bottoken chatid message_thread_id message parse_mode disable_web_page_preview:b protect_content:b disable_notifications:b disable_notification:b", []string{"bottoken", "chatid"}, checkTelegram},
	{"threema", v9, "gateway_id recipient_id api_secret title description", []string{"gateway_id", "recipient_id", "api_secret"}, checkThreema},
	{"victorops", v9, "url messageType title description", []string{"url"}, nil},
	{"webex", v9, "message room_id api_url bot_token", nil, checkWebex},
	{"webhook", v9, "url httpMethod maxAlerts:n authorization_scheme authorization_credentials username password title message tlsConfig:m hmacConfig:m headers:t payload:m", []string{"url"}, checkWebhook},
	{"wecom", v9, "endpointUrl url agent_id corp_id secret msgtype message title touser", nil, checkWecom},
}

type settingField struct {
	name string
	kind byte
}

// subSettings are the settings that are maps of settings.
var subSettings = map[string]string{
	"tlsConfig":  "caCertificate clientCertificate clientKey insecureSkipVerify:b",
	"hmacConfig": "secret header timestampHeader",
	"payload":    "template vars:t",
	"sigv4":      "region access_key secret_key profile role_arn",
}

func settingFields(spec string) []settingField {
	var out []settingField
	for _, f := range strings.Fields(spec) {
		name, kind, _ := strings.Cut(f, ":")
		if kind == "" {
			kind = "s"
		}
		out = append(out, settingField{name, kind[0]})
	}
	return out
}

// lookupField finds a setting whatever its case, as JSON does.
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
func (s *alSettingsCheck) oneOf(key string, words ...string) {
	if v, ok := s.text(key); ok && v != "" && !slices.Contains(words, v) {
		s.errorf(ruleCPValue, key, "write "+strings.Join(words, " or "), "'%s' has a word that type %s does not know", key, s.typ.name)
	}
}

func (s *alSettingsCheck) url(key string) {
	if v, ok := s.text(key); ok {
		if _, err := url.Parse(v); err != nil {
			s.errorf(ruleCPValue, key, "", "'%s' is not a URL", key)
		}
	}
}

func checkAlertmanagerURLs(s *alSettingsCheck) {
	v, ok := s.text("url")
	if !ok {
		return
	}
	count := 0
	for item := range strings.SplitSeq(v, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		count++
		if _, err := url.Parse(item); err != nil {
			s.errorf(ruleCPValue, "url", "", "'url' has an item that is not a URL")
			return
		}
	}
	if count == 0 {
		s.errorf(ruleCPRequired, "url", "write url", "the type %s needs the setting 'url'", s.typ.name)
	}
}

func checkJira(s *alSettingsCheck) {
	s.url("api_url")
	if v, ok := s.text("reopen_duration"); ok && v != "" {
		if _, err := model.ParseDuration(v); err != nil {
			s.errorf(ruleCPValue, "reopen_duration", durationForm, "'reopen_duration' is not a duration")
		}
	}
	if v, ok := s.text("dedup_key_field"); ok && strings.Trim(v, "0123456789") != "" {
		s.errorf(ruleCPValue, "dedup_key_field", "write the number of the field", "'dedup_key_field' must be digits")
	}
	_, tokenKnown := s.text("api_token")
	_, userKnown := s.text("user")
	_, passwordKnown := s.text("password")
	if !tokenKnown || !userKnown || !passwordKnown {
		return
	}
	token, user, password := !s.empty("api_token"), !s.empty("user"), !s.empty("password")
	switch {
	case !token && (!user || !password):
		s.errorf(ruleCPRequired, "api_token", "write api_token, or user and password", "the type jira needs a token, or a user and a password")
	case token && (user || password):
		s.errorf(ruleCPValue, "api_token", "leave one of them out", "'api_token' and 'user' or 'password' exclude each other")
	}
}

func checkKafka(s *alSettingsCheck) {
	if s.a.p.version.Before(v10) {
		return
	}
	s.oneOf("apiVersion", "v2", "v3")
	if v, ok := s.text("apiVersion"); ok && v == "v3" && s.empty("kafkaClusterId") {
		s.errorf(ruleCPRequired, "apiVersion", "write kafkaClusterId", "version 3 of the API needs 'kafkaClusterId'")
	}
}

func checkMQTT(s *alSettingsCheck) {
	s.oneOf("messageFormat", "json", "text")
	s.url("brokerUrl")
	if v, ok := get(s.values, "qos"); ok && v != nil && !unknownValue(v) {
		text := ""
		switch t := v.(type) {
		case string:
			text = t
		case int:
			text = strconv.Itoa(t)
		case int64:
			text = strconv.FormatInt(t, 10)
		default:
			text = "x"
		}
		if !slices.Contains([]string{"", "0", "1", "2"}, text) {
			s.errorf(ruleCPValue, "qos", "write 0, 1 or 2", "'qos' must be 0, 1 or 2")
		}
	}
}

func checkOpsgenie(s *alSettingsCheck) {
	s.oneOf("sendTagsAs", "tags", "details", "both")
	list, _ := get(s.values, "responders")
	responders, _ := list.([]any)
	for _, r := range responders {
		m, ok := r.(map[string]any)
		if !ok {
			continue
		}
		text := func(key string) string {
			v, _ := get(m, key)
			if unknownValue(v) {
				return "?"
			}
			t, _ := v.(string)
			return t
		}
		kind := strings.ToLower(text("type"))
		switch {
		case text("id") == "" && text("username") == "" && text("name") == "":
			s.errorf(ruleCPValue, "responders", "write id, username or name", "a responder has no id, username or name")
		case kind != "?" && !strings.Contains(kind, "{{") && !slices.Contains([]string{"team", "teams", "user", "escalation", "schedule"}, kind):
			s.errorf(ruleCPValue, "responders", "write team, teams, user, escalation or schedule", "a responder has a type that Grafana does not know")
		case kind == "teams" && text("name") == "":
			s.errorf(ruleCPValue, "responders", "write name: a, b", "a responder of type teams has no name")
		}
	}
}

func checkPushover(s *alSettingsCheck) {
	for _, key := range []string{"priority", "okPriority"} {
		if v, ok := s.number(key); ok {
			if _, err := strconv.ParseInt(v, 10, 64); err != nil {
				s.errorf(ruleCPValue, key, "write a number from -2 to 2", "'%s' must be a whole number", key)
			}
		}
	}
}

const slackAPI = "https://slack.com/api/chat.postMessage"

func checkSlack(s *alSettingsCheck) {
	s.oneOf("mentionChannel", "here", "channel")
	hook, known := s.text("url")
	endpoint, endpointKnown := s.text("endpointUrl")
	if !known || !endpointKnown {
		return
	}
	target := slackAPI
	for _, v := range []string{endpoint, hook} {
		if v != "" {
			target = v
		}
	}
	if _, err := url.Parse(target); err != nil {
		s.errorf(ruleCPValue, "url", "", "'url' is not a URL")
		return
	}
	if target != slackAPI {
		return
	}
	if v, ok := s.text("recipient"); ok && strings.TrimSpace(v) == "" {
		s.errorf(ruleCPRequired, "recipient", "write url, or recipient and token", "the type slack needs 'recipient' when there is no 'url'")
	}
	if s.empty("token") {
		s.errorf(ruleCPRequired, "token", "write url, or recipient and token", "the type slack needs 'token' when there is no 'url'")
	}
}

func checkSNS(s *alSettingsCheck) {
	given := false
	for _, key := range []string{"topic_arn", "target_arn"} {
		v, ok := s.text(key)
		given = given || !ok || v != ""
		if ok && v != "" && (!strings.HasPrefix(v, "arn:") || strings.Count(v, ":") < 5) {
			s.errorf(ruleCPValue, key, "write arn:aws:sns:REGION:ACCOUNT:NAME", "'%s' is not an ARN", key)
		}
	}
	if !given && s.empty("phone_number") {
		s.errorf(ruleCPRequired, "topic_arn", "write topic_arn, target_arn or phone_number", "the type sns needs one of 'topic_arn', 'target_arn' and 'phone_number'")
	}
	sig, _ := get(s.values, "sigv4")
	keys, _ := sig.(map[string]any)
	access, _ := get(keys, "access_key")
	secret, _ := get(keys, "secret_key")
	if (access == nil || access == "") != (secret == nil || secret == "") {
		s.errorf(ruleCPValue, "sigv4", "write both, or none", "'access_key' and 'secret_key' go together")
	}
}

func checkTelegram(s *alSettingsCheck) {
	if s.a.p.version.Before(v10) {
		return
	}
	if v, ok := s.text("message_thread_id"); ok && v != "" {
		if _, err := strconv.ParseInt(v, 10, 32); err != nil {
			s.errorf(ruleCPValue, "message_thread_id", "write digits in quotes", "'message_thread_id' must be a whole number")
		}
	}
	if v, ok := s.text("parse_mode"); ok && v != "" && !slices.ContainsFunc([]string{"None", "HTML", "Markdown", "MarkdownV2"}, func(w string) bool { return strings.EqualFold(w, v) }) {
		s.errorf(ruleCPValue, "parse_mode", "write None, HTML, Markdown or MarkdownV2", "'parse_mode' has a word that type telegram does not know")
	}
}

func checkThreema(s *alSettingsCheck) {
	if v, ok := s.text("gateway_id"); ok && (!strings.HasPrefix(v, "*") || len(v) != 8) {
		s.errorf(ruleCPValue, "gateway_id", "write it as *ABCDEFG", "'gateway_id' must begin with * and have 8 characters")
	}
	if v, ok := s.text("recipient_id"); ok && len(v) != 8 {
		s.errorf(ruleCPValue, "recipient_id", "", "'recipient_id' must have 8 characters")
	}
}

func checkWebex(s *alSettingsCheck) {
	s.url("api_url")
	for _, key := range []string{"room_id", "bot_token"} {
		if !s.empty(key) {
			continue
		}
		if s.a.p.version.Before(v10) {
			s.errorf(ruleCPRequired, key, "write "+key, "the type webex needs the setting '%s'", key)
		} else {
			s.a.p.warnf(s.at(key), ruleCPRequired, "write "+key, "without '%s' nothing can be sent", key)
		}
	}
}

// forbiddenHeaders are those that a webhook may not set.
var forbiddenHeaders = []string{
	"Host", "Accept-Encoding", "Accept-Charset", "Content-Encoding", "Content-Length", "Authorization", "User-Agent", "Transfer-Encoding", "Connection",
	"Upgrade", "Trailer", "Te", "Proxy-Authorization", "Proxy-Authenticate", "Cookie", "Set-Cookie", "Referer", "Origin", "X-Forwarded-For", "X-Real-Ip",
	"Via", "Forwarded", "Expect", "Keep-Alive", "Date", "Max-Forwards",
}

func checkWebhook(s *alSettingsCheck) {
	_, userKnown := s.text("username")
	_, passwordKnown := s.text("password")
	_, credentialsKnown := s.text("authorization_credentials")
	if userKnown && passwordKnown && credentialsKnown && !s.empty("username") && !s.empty("password") && !s.empty("authorization_credentials") {
		s.errorf(ruleCPValue, "authorization_credentials", "leave one of them out", "basic authentication and an authorization header exclude each other")
	}
	if v, ok := s.text("httpMethod"); ok && v != "" && v != "POST" && v != "PUT" {
		s.a.p.warnf(s.at("httpMethod"), ruleCPValue, "write POST or PUT", "Grafana accepts this method, and nothing can be sent with it")
	}
	if v, ok := s.number("maxAlerts"); ok {
		if _, err := strconv.Atoi(v); err != nil {
			s.a.p.warnf(s.at("maxAlerts"), ruleCPValue, "write a number", "'maxAlerts' is not a number and is taken for 0")
		}
	}
	headers, _ := get(s.values, "headers")
	m, _ := headers.(map[string]any)
	if s.a.p.version.Before(v12) {
		return
	}
	for name := range m {
		if slices.Contains(forbiddenHeaders, textproto.CanonicalMIMEHeaderKey(name)) {
			s.errorf(ruleCPValue, "headers", "remove it", "the header %s must not be set", textproto.CanonicalMIMEHeaderKey(name))
		}
	}
}

func checkWecom(s *alSettingsCheck) {
	_, urlKnown := s.text("url")
	_, secretKnown := s.text("secret")
	if !urlKnown || !secretKnown || !s.empty("url") {
		return
	}
	if s.empty("secret") {
		s.errorf(ruleCPRequired, "url", "write url, or secret, agent_id and corp_id", "the type wecom needs 'url' or 'secret'")
		return
	}
	for _, key := range []string{"agent_id", "corp_id"} {
		if s.empty(key) {
			s.errorf(ruleCPRequired, key, "write "+key, "the type wecom needs '%s' when there is no 'url'", key)
		}
	}
}
