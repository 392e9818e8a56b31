package validator

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
)

var (
	ruleProviderForm     = validation.NewLastingRule("provider-old-form")
	ruleProviderNull     = validation.NewLastingRule("provider-null-file")
	ruleProviderNothing  = validation.NewRule("provider-file-empty")
	ruleProviderAPI      = validation.NewLastingRule("provider-api-version")
	ruleProviderNameDup  = validation.NewLastingRule("provider-name-duplicate")
	ruleProviderName     = validation.NewRule("provider-name-missing")
	ruleProviderType     = validation.NewLastingRule("provider-type")
	ruleProviderPath     = validation.NewLastingRule("provider-path")
	ruleProviderOldPath  = validation.NewRule("provider-options-folder")
	ruleProviderFFFS     = validation.NewLastingRule("provider-folders-from-files")
	ruleProviderInterval = validation.NewLastingRule("provider-interval")
	ruleProviderWatch    = validation.NewRule("provider-interval-watch")
	providerKeys         = []string{
		"name", "type", "folder", "folderUid", "editable", "options", "disableDeletion", "updateIntervalSeconds", "allowUiUpdates",
	}
	providerOptions = []string{"path", "folder", "foldersFromFilesStructure"}
)

// provider is one entry of a provider file as Grafana would read it.
type provider struct {
	file            validation.File
	node            *provisioning.Map
	options         *provisioning.Map
	at              validation.Place
	name            provisioning.Value
	org             int64 // 0: not known
	orgAt           validation.Place
	typ             provisioning.Value
	folder          provisioning.Value
	folderUID       provisioning.Value
	interval        provisioning.Int
	disableDeletion bool
	allowUIUpdates  bool
	// path is the dashboards' directory; pathKnown is false if it depends on Grafana's environment.
	path      string
	pathRaw   string
	pathKnown bool
	pathAt    validation.Place
	// fromFiles is foldersFromFilesStructure.
	fromFiles bool
}

// readProviders reads one provider file; false when Grafana would fail on it.
func readProviders(p *validation.Pass, f validation.File) ([]*provider, bool) {
	root, ok := p.Parse(f)
	if !ok {
		return nil, false
	}
	if root == nil {
		p.NamesNothing(f.At(nil))
		return nil, true
	}
	d := p.Decoder(f)
	if root.ShortTag() == "!!null" {
		p.Errorf(f.At(root), ruleProviderNull, "write 'apiVersion: 1' and 'providers: []', or empty the file", "a provider file that holds only null makes Grafana panic")
		return nil, false
	}
	if root.Kind == yaml.SequenceNode {
		return readProvidersV0(p, f, d, root), true
	}
	top, ok := d.Map(root, "the file")
	if !ok {
		return nil, false
	}
	quiet := *d
	failed := false
	quiet.Report = func(finding.Finding) { failed = true }
	if api := quiet.PlainInt(top, "apiVersion"); failed || !api.Known || api.Value <= 0 {
		hint := d.ObjectHint(top)
		if hint == "" {
			hint = "write 'apiVersion: 1' at the top"
		}
		p.Errorf(f.At(top.Key("apiVersion")), ruleProviderAPI, hint, "apiVersion must be a whole number from 1, without quotes (only a plain list needs none): Grafana refuses all provider files")
		return nil, false
	}
	d.UnknownKeys(top, "a provider file", []string{"apiVersion", "providers"}, validation.AnchorsOnly(top)...)
	var out []*provider
	for _, m := range d.Items(top.Get("providers"), "providers") {
		out = append(out, readProvider(p, f, d, m, false))
	}
	if d.Stopped() {
		return nil, false
	}
	if len(out) == 0 && !d.NoList(top.Get("providers")) {
		p.NamesNothing(f.At(root))
	}
	return out, true
}

// readProvider reads one entry. The old format has org_id, and Grafana expands nothing in it.
func readProvider(p *validation.Pass, f validation.File, d *provisioning.Decoder, m *provisioning.Map, old bool) *provider {
	what, org := "a provider", "orgId"
	text, whole, boolean, readMap := d.Text, d.Int, d.Bool, d.OptionsMap
	if old {
		what, org = "a provider in the old format", "org_id"
		text, whole, boolean, readMap = d.PlainText, d.PlainInt, d.PlainBool, d.PlainOptions
	}
	d.UnknownKeys(m, what, append(slices.Clip(providerKeys), org))
	pr := &provider{
		file: f, node: m, at: f.At(m.Node), name: text(m, "name"), typ: text(m, "type"),
		org: validation.OrgOf(whole(m, org)), orgAt: f.At(m.Key(org)), folder: text(m, "folder"), folderUID: text(m, "folderUid"),
		interval: whole(m, "updateIntervalSeconds"), disableDeletion: boolean(m, "disableDeletion").Value,
		allowUIUpdates: boolean(m, "allowUiUpdates").Value,
	}
	boolean(m, "editable")
	if options, ok := readMap(m.Get("options"), "options"); ok {
		pr.options, _ = d.Map(m.Get("options"), "options")
		d.UnknownKeys(pr.options, "options", providerOptions)
		readOptions(p, pr, options)
	}
	return pr
}

// readProvidersV0 reads the old format: a plain list, org_id, no expansion.
func readProvidersV0(p *validation.Pass, f validation.File, d *provisioning.Decoder, root *yaml.Node) []*provider {
	const hint = "write 'apiVersion: 1' and 'providers:' above the list, and orgId instead of org_id"
	if p.Version.AtLeast(validation.V124) {
		p.Errorf(f.At(root), ruleProviderForm, hint, "this is the old format without apiVersion: 1: the reload works, but this Grafana (%s) panics at its next start", p.Version)
	} else {
		p.Warnf(f.At(root), ruleProviderForm, hint, "this is the old format without apiVersion: 1: variables do not work, and Grafana 12.4 and later panic at start")
	}
	var out []*provider
	for _, m := range d.Items(root, "the list") {
		out = append(out, readProvider(p, f, d, m, true))
	}
	return out
}

// readOptions reads the path and foldersFromFilesStructure.
func readOptions(p *validation.Pass, pr *provider, options map[string]any) {
	key := "path"
	switch options["path"].(type) {
	case string, provisioning.Unknown:
	default:
		key = "folder"
	}
	pr.pathAt = pr.at
	if pr.options.Has(key) {
		pr.pathAt = pr.file.At(pr.options.Key(key))
		if n := pr.options.Get(key); n != nil {
			pr.pathRaw = n.Value
		}
	}
	switch v := options[key].(type) {
	case string:
		pr.path, pr.pathKnown = v, true
	case provisioning.Unknown:
		if before, _, _ := strings.Cut(pr.pathRaw, "$"); strings.Contains(before, "/") { // a string, whatever the value is
			p.Infof(pr.pathAt, provisioning.RuleUnknownValue, "", "the path comes from Grafana's environment: its dashboards are not checked")
			break
		}
		p.Warnf(pr.pathAt, provisioning.RuleUnknownValue, "", "the path comes from Grafana's environment: its dashboards are not checked, and Grafana refuses all provider files if the value is a number or a boolean")
	default:
		p.Errorf(pr.pathAt, ruleProviderPath, "write options.path", "options.path must be a string: Grafana refuses all provider files")
		return
	}
	if key == "folder" {
		oldPath(p, pr)
	}
	readFromFiles(p, pr, options["foldersFromFilesStructure"])
}

func oldPath(p *validation.Pass, pr *provider) {
	if p.Version.AtLeast(validation.V124) {
		p.Errorf(pr.pathAt, ruleProviderOldPath, "write path", "options.folder is the old name of options.path: the reload works, but this Grafana (%s) panics at its next start", p.Version)
		return
	}
	p.Warnf(pr.pathAt, ruleProviderOldPath, "write path", "options.folder is the old name of options.path; Grafana 12.4 and later panic at start")
}

func readFromFiles(p *validation.Pass, pr *provider, v any) {
	if v == nil {
		return
	}
	at := pr.file.At(pr.options.Key("foldersFromFilesStructure"))
	b, isBool := v.(bool)
	if !isBool {
		if _, unknown := v.(provisioning.Unknown); unknown && p.Version.AtLeast(validation.V10) {
			p.Warnf(at, provisioning.RuleUnknownValue, "", "foldersFromFilesStructure comes from Grafana's environment: anything but true and false is ignored")
		} else {
			p.Warnf(at, ruleProviderFFFS, "write true without quotes", "foldersFromFilesStructure must be a YAML boolean: this value is ignored, and the dashboards land in 'folder'")
		}
		return
	}
	pr.fromFiles = b
	if !b {
		return
	}
	folder, uid := pr.folder.Set && !pr.folder.Empty(), pr.folderUID.Set && !pr.folderUID.Empty()
	switch {
	case folder && uid && pr.folder.Known && pr.folderUID.Known:
		p.Errorf(at, ruleProviderFFFS, "remove folder and folderUid", "foldersFromFilesStructure cannot be combined with folder and folderUid: Grafana refuses all provider files")
	case folder:
		p.Warnf(at, ruleProviderFFFS, "remove folder", "folder is ignored when foldersFromFilesStructure is set")
	case uid:
		p.Warnf(at, ruleProviderFFFS, "remove folderUid", "with foldersFromFilesStructure all subdirectories would get this one folderUid")
	}
}

// checkProvider judges everything in an entry that does not depend on the dashboards.
func checkProvider(p *validation.Pass, pr *provider) {
	p.CheckOrg(pr.orgAt, pr.org)
	if pr.typ.Known && pr.typ.Text != "" && pr.typ.Text != "file" {
		p.Errorf(pr.file.At(pr.typ.Node), ruleProviderType, "write type: file", "the only type is file: Grafana refuses all provider files")
	}
	if pr.name.Empty() {
		p.Warnf(pr.at, ruleProviderName, "write a name", "a provider without a name: two of them would delete each other's dashboards")
	}
	at := pr.at
	if pr.interval.Node != nil {
		at = pr.file.At(pr.interval.Node)
	}
	switch {
	case !pr.interval.Known:
	case pr.interval.Value < 0 && p.Version.Before(validation.V123):
		p.Errorf(at, ruleProviderInterval, "write a number of seconds from 1", "a negative updateIntervalSeconds kills the running Grafana, and it no longer starts")
	case pr.interval.Value > 10 && int64(time.Second)*pr.interval.Value <= 0:
		p.Errorf(at, ruleProviderInterval, "write a number of seconds from 1", "an updateIntervalSeconds this large overflows: it kills the running Grafana, and it no longer starts")
	case pr.interval.Value <= 10 && p.Version.AtLeast(validation.V123):
		p.Warnf(at, ruleProviderWatch, "write updateIntervalSeconds: 11 or more", "at 10 seconds or less (or unset) Grafana watches the directory and misses every swap of a mounted ConfigMap after the first")
	}
	if pr.pathKnown {
		switch {
		case pr.path == "":
			p.Warnf(pr.pathAt, ruleProviderPath, "write an absolute path", "an empty path makes Grafana import every JSON file below its working directory")
		case !strings.HasPrefix(pr.path, "/"):
			p.Warnf(pr.pathAt, ruleProviderPath, "write an absolute path", "a relative path starts from Grafana's working directory")
		}
	}
}

// checkProviderNames checks that names are unique in each file, and warns if they are not unique across files.
func checkProviderNames(p *validation.Pass, list []*provider) {
	first, inFile := map[string]*provider{}, map[[2]string]*provider{}
	for _, pr := range list {
		name := validation.Label(pr.name)
		if other := inFile[[2]string{pr.file.Name, name}]; other != nil {
			p.Errorf(pr.at, ruleProviderNameDup, "use another name", "line %d has this provider name: Grafana refuses all provider files", other.at.Line)
		} else if other := first[name]; other != nil {
			p.Warnf(pr.at, ruleProviderNameDup, "use another name", "%s:%d has this provider name: the two delete each other's dashboards", other.at.Path, other.at.Line)
		}
		inFile[[2]string{pr.file.Name, name}] = pr
		if first[name] == nil {
			first[name] = pr
		}
	}
}
