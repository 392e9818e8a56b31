package alerting

import (
	"fmt"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"reloader/internal/grafana/validation"
)

func checkAlertmanagerURLs(s *settingsCheck) {
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

func checkJira(s *settingsCheck) {
	s.url("api_url")
	if v, ok := s.text("reopen_duration"); ok && v != "" {
		if _, err := parseDuration(v); err != nil {
			s.errorf(ruleCPValue, "reopen_duration", durationForm, "'reopen_duration' is not a duration")
		}
	}
	if v, ok := s.text("dedup_key_field"); ok && strings.Trim(v, "0123456789") != "" {
		s.errorf(ruleCPValue, "dedup_key_field", "write the number of the field", "'dedup_key_field' must be a number")
	}
	if !s.known("api_token", "user", "password") {
		return
	}
	token, user, password := !s.empty("api_token"), !s.empty("user"), !s.empty("password")
	switch {
	case !token && (!user || !password):
		s.errorf(ruleCPRequired, "api_token", "write api_token, or user and password", "the type jira needs an API token, or a user and a password")
	case token && (user || password):
		s.errorf(ruleCPValue, "api_token", "remove one of them", "'api_token' and 'user' or 'password' exclude each other")
	}
}

func checkKafka(s *settingsCheck) {
	if s.a.p.Version.Before(validation.V10) {
		return
	}
	s.oneOf("apiVersion", "v2", "v3")
	if v, ok := s.text("apiVersion"); ok && v == "v3" && s.empty("kafkaClusterId") {
		s.errorf(ruleCPRequired, "apiVersion", "write kafkaClusterId", "version 3 of the API needs 'kafkaClusterId'")
	}
}

func checkMQTT(s *settingsCheck) {
	s.oneOf("messageFormat", "json", "text")
	s.url("brokerUrl")
	if v := get(s.values, "qos"); v != nil && !unknownValue(v) {
		if !slices.Contains([]string{"", "0", "1", "2"}, fmt.Sprint(v)) {
			s.errorf(ruleCPValue, "qos", "write 0, 1 or 2", "'qos' must be 0, 1 or 2")
		}
	}
}

func checkOpsgenie(s *settingsCheck) {
	s.oneOf("sendTagsAs", "tags", "details", "both")
	responders, _ := get(s.values, "responders").([]any)
	for _, r := range responders {
		m, ok := r.(map[string]any)
		if !ok {
			continue
		}
		text := func(key string) string {
			v := get(m, key)
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

func checkPushover(s *settingsCheck) {
	for _, key := range []string{"priority", "okPriority"} {
		if v, ok := s.number(key); ok {
			if _, err := strconv.ParseInt(v, 10, 64); err != nil {
				s.errorf(ruleCPValue, key, "write a number from -2 to 2", "'%s' must be a whole number", key)
			}
		}
	}
}

const slackAPI = "https://slack.com/api/chat.postMessage"

func checkSlack(s *settingsCheck) {
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
	const hint = "write url, or recipient and token"
	v, ok := s.text("recipient")
	switch recipient, token := ok && strings.TrimSpace(v) == "", s.empty("token"); {
	case recipient && token:
		s.errorf(ruleCPRequired, "url", hint, "the type slack needs 'url', or 'recipient' and 'token'")
	case recipient:
		s.errorf(ruleCPRequired, "recipient", hint, "the type slack needs 'recipient' when there is no 'url'")
	case token:
		s.errorf(ruleCPRequired, "token", hint, "the type slack needs 'token' when there is no 'url'")
	}
}

func checkSNS(s *settingsCheck) {
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
	keys, _ := get(s.values, "sigv4").(map[string]any)
	access, secret := get(keys, "access_key"), get(keys, "secret_key")
	if (access == nil || access == "") != (secret == nil || secret == "") {
		s.errorf(ruleCPValue, "sigv4", "write both or neither", "'access_key' and 'secret_key' go together")
	}
}

func checkTelegram(s *settingsCheck) {
	if s.a.p.Version.Before(validation.V10) {
		return
	}
	if v, ok := s.text("message_thread_id"); ok && v != "" {
		if _, err := strconv.ParseInt(v, 10, 32); err != nil {
			s.errorf(ruleCPValue, "message_thread_id", "write digits in quotes", "'message_thread_id' must be a whole number")
		}
	}
	if v, ok := s.text("parse_mode"); ok && v != "" && !slices.ContainsFunc([]string{"None", "HTML", "Markdown", "MarkdownV2"}, func(w string) bool { return strings.EqualFold(w, v) }) {
		s.errorf(ruleCPValue, "parse_mode", "write None, HTML, Markdown or MarkdownV2", "'parse_mode' has a value that the type telegram does not know")
	}
}

func checkThreema(s *settingsCheck) {
	if v, ok := s.text("gateway_id"); ok && (!strings.HasPrefix(v, "*") || len(v) != 8) {
		s.errorf(ruleCPValue, "gateway_id", "write it as *ABCDEFG", "'gateway_id' must begin with * and have 8 characters")
	}
	if v, ok := s.text("recipient_id"); ok && len(v) != 8 {
		s.errorf(ruleCPValue, "recipient_id", "", "'recipient_id' must have 8 characters")
	}
}

func checkWebex(s *settingsCheck) {
	s.url("api_url")
	for _, key := range []string{"room_id", "bot_token"} {
		if !s.empty(key) {
			continue
		}
		if s.a.p.Version.Before(validation.V10) {
			s.errorf(ruleCPRequired, key, "write "+key, "the type webex needs the setting '%s'", key)
		} else {
			s.a.p.Warnf(s.at(key), ruleCPRequired, "write "+key, "without '%s' nothing can be sent", key)
		}
	}
}

// forbiddenHeaders are those that a webhook may not set.
var forbiddenHeaders = []string{
	"Host", "Accept-Encoding", "Accept-Charset", "Content-Encoding", "Content-Length", "Authorization", "User-Agent", "Transfer-Encoding", "Connection",
	"Upgrade", "Trailer", "Te", "Proxy-Authorization", "Proxy-Authenticate", "Cookie", "Set-Cookie", "Referer", "Origin", "X-Forwarded-For", "X-Real-Ip",
	"Via", "Forwarded", "Expect", "Keep-Alive", "Date", "Max-Forwards",
}

func checkWebhook(s *settingsCheck) {
	if s.known("username", "password", "authorization_credentials") && !s.empty("username") && !s.empty("password") && !s.empty("authorization_credentials") {
		s.errorf(ruleCPValue, "authorization_credentials", "remove one of them", "basic authentication and an authorization header exclude each other")
	}
	if v, ok := s.text("httpMethod"); ok && v != "" && v != "POST" && v != "PUT" {
		s.a.p.Warnf(s.at("httpMethod"), ruleCPValue, "write POST or PUT", "Grafana accepts this method, but nothing can be sent with it")
	}
	if v, ok := s.number("maxAlerts"); ok {
		if _, err := strconv.Atoi(v); err != nil {
			s.a.p.Warnf(s.at("maxAlerts"), ruleCPValue, "write a number", "'maxAlerts' is not a number: Grafana reads it as 0")
		}
	}
	if s.a.p.Version.Before(validation.V12) {
		return
	}
	headers, _ := get(s.values, "headers").(map[string]any)
	for name := range headers {
		if slices.Contains(forbiddenHeaders, textproto.CanonicalMIMEHeaderKey(name)) {
			s.errorf(ruleCPValue, "headers", "remove it", "the header %s must not be set", textproto.CanonicalMIMEHeaderKey(name))
		}
	}
}

func checkWecom(s *settingsCheck) {
	if !s.known("url", "secret") || !s.empty("url") {
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
