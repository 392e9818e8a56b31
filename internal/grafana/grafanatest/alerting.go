package grafanatest

import (
	"context"
	"errors"
	"fmt"
)

// builtIn is the contact point that exists without any file.
func (s *Server) builtIn() string {
	if s.newer(12, 4) {
		return "empty"
	}
	return "grafana-default-email"
}

type alertingFiles struct {
	contacts, rules, mutes, templates, policies []map[string]any
	deleteContacts, deleteRules                 []map[string]any
	deleteMutes, deleteTemplates                []map[string]any
	resets                                      int
}

// provisionAlerting checks what the real server checks while reading, then writes in the order of
// 11.5 and later: contact points, mute times, templates, policies, deletes, rules, contact point deletes.
func (s *Server) provisionAlerting(ctx context.Context, files []map[string]any) error {
	a, err := readAlerting(files)
	if err != nil {
		return err
	}
	steps := []func(context.Context, alertingFiles) error{s.writeContacts, s.writeMutes, s.writePolicies, s.deleteMutes, s.writeRules, s.deleteContacts}
	for _, step := range steps {
		if err := step(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func readAlerting(files []map[string]any) (alertingFiles, error) {
	var a alertingFiles
	for _, doc := range files {
		for key, into := range map[string]*[]map[string]any{
			"contactPoints": &a.contacts, "muteTimes": &a.mutes, "templates": &a.templates, "policies": &a.policies,
			"deleteContactPoints": &a.deleteContacts, "deleteRules": &a.deleteRules,
			"deleteMuteTimes": &a.deleteMutes, "deleteTemplates": &a.deleteTemplates,
		} {
			items, err := list(doc, key)
			if err != nil {
				return a, err
			}
			*into = append(*into, items...)
		}
		if resets, ok := doc["resetPolicies"].([]any); ok {
			a.resets += len(resets)
		}
		groups, err := list(doc, "groups")
		if err != nil {
			return a, err
		}
		for _, g := range groups {
			rules, err := list(g, "rules")
			if err != nil {
				return a, err
			}
			for _, r := range rules {
				if text(r, "uid") == "" || text(r, "title") == "" {
					return a, errors.New("rule without uid or title")
				}
				a.rules = append(a.rules, map[string]any{
					"uid": text(r, "uid"), "title": text(r, "title"), "ruleGroup": text(g, "name"),
					"folder": text(g, "folder"), "condition": text(r, "condition"), "provenance": "file",
					"labels": r["labels"], "annotations": r["annotations"], "isPaused": r["isPaused"] == true,
					"for": text(r, "for"), "noDataState": text(r, "noDataState"), "execErrState": text(r, "execErrState"),
				})
			}
		}
	}
	return a, nil
}

func (s *Server) writeContacts(ctx context.Context, a alertingFiles) error {
	for _, c := range a.contacts {
		receivers, err := list(c, "receivers")
		if err != nil {
			return err
		}
		for _, r := range receivers {
			uid := text(r, "uid")
			if err := s.write(ctx, func(st *state) {
				st.contacts[uid] = map[string]any{"uid": uid, "name": text(c, "name"), "type": text(r, "type"), "settings": r["settings"], "provenance": "file"}
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) writeMutes(ctx context.Context, a alertingFiles) error {
	for _, m := range a.mutes {
		if err := s.write(ctx, func(st *state) { st.mutes[text(m, "name")] = m }); err != nil {
			return err
		}
	}
	for _, t := range a.templates {
		if err := s.write(ctx, func(st *state) { st.templates[text(t, "name")] = t }); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) writePolicies(ctx context.Context, a alertingFiles) error {
	for _, p := range a.policies {
		receiver := text(p, "receiver")
		if !s.hasContact(receiver) {
			return fmt.Errorf("receiver %q does not exist", receiver)
		}
		if err := s.write(ctx, func(st *state) { st.policy = p }); err != nil {
			return err
		}
	}
	if a.resets > 0 {
		return s.write(ctx, func(st *state) { st.policy = nil })
	}
	return nil
}

func (s *Server) hasContact(name string) bool {
	if name == s.builtIn() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.state.contacts {
		if c["name"] == name {
			return true
		}
	}
	return false
}

func (s *Server) deleteMutes(ctx context.Context, a alertingFiles) error {
	return s.write(ctx, func(st *state) {
		for _, m := range a.deleteMutes {
			delete(st.mutes, text(m, "name"))
		}
		for _, t := range a.deleteTemplates {
			delete(st.templates, text(t, "name"))
		}
	})
}

func (s *Server) writeRules(ctx context.Context, a alertingFiles) error {
	for _, r := range a.rules {
		if err := s.write(ctx, func(st *state) { st.rules[text(r, "uid")] = r }); err != nil {
			return err
		}
	}
	return s.write(ctx, func(st *state) {
		for _, r := range a.deleteRules {
			delete(st.rules, text(r, "uid"))
		}
	})
}

// deleteContacts refuses while a policy uses the contact point's name.
func (s *Server) deleteContacts(ctx context.Context, a alertingFiles) error {
	for _, d := range a.deleteContacts {
		inUse := false
		if err := s.write(ctx, func(st *state) {
			c := st.contacts[text(d, "uid")]
			if c != nil && st.policy != nil && text(st.policy, "receiver") == c["name"] {
				inUse = true
				return
			}
			delete(st.contacts, text(d, "uid"))
		}); err != nil {
			return err
		}
		if inUse {
			return errors.New("contact point is in use")
		}
	}
	return nil
}
