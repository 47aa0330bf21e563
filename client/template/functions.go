// SPDX-License-Identifier: MPL-2.0

package template

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"

	dep "github.com/hashicorp/consul-template/dependency"
	ct "github.com/hashicorp/consul-template/template"
	"github.com/ryanuber/go-glob"
)

// Functions that need what this agent does not have.
var (
	consulFunctions = []string{
		"caLeaf", "caRoots", "connect", "datacenters", "exportedServices", "key", "keyExists", "keyOrDefault", "ls", "node", "nodes",
		"partitions", "peerings", "safeLs", "safeTree", "service", "services", "tree",
	}
	vaultFunctions    = []string{"pkiCert", "secret", "secrets"}
	variableFunctions = []string{"nomadVar", "nomadVarExists", "nomadVarList", "nomadVarListSafe"}
)

const (
	notSupported = "is not supported by this version"
	deniedHint   = "the agent does not let templates use this function; client { template { function_denylist = [...] } } in its configuration, an empty list for none, says which it does not"
)

// builtin are the functions of the language, which patterns of the agent's list do not mean.
var builtin = strings.Fields("and call eq ge gt html index js le len lt ne not or print printf println slice urlquery")

// functions are those that differ from consul-template's, for a template that uses those with the names.
func (m *Manager) functions(used map[string]bool) template.FuncMap {
	funcs := m.guard.growing()
	maps.Copy(funcs, m.guard.functions())
	maps.Copy(funcs, template.FuncMap{
		"scratch": func() *scratch { return m.scratch },
		"env":     func(name string) string { return m.cfg.Env[name] },
		"mustEnv": func(name string) (string, error) {
			if v := m.cfg.Env[name]; v != "" {
				return v, nil
			}
			return "", fmt.Errorf("required environment variable %s is empty", name)
		},
		"envOrDefault": func(name, other string) string {
			if v, ok := m.cfg.Env[name]; ok {
				return v
			}
			return other
		},
		"file":          m.fileFunc,
		"nomadService":  m.serviceFunc,
		"nomadServices": m.servicesFunc,
	})
	refuse := func(names []string, why string) {
		for _, name := range names {
			funcs[name] = func(...any) (string, error) {
				m.mistaken = true
				return "", errors.New(name + ": " + why)
			}
		}
	}
	refuse(consulFunctions, "Consul "+notSupported+"; nomadService lists services")
	refuse(vaultFunctions, "Vault "+notSupported)
	refuse(variableFunctions, "variables are not supported by this version")
	for _, entry := range m.cfg.Client.FunctionDenylist {
		if !strings.Contains(entry, "*") {
			refuse([]string{entry}, deniedHint)
			continue
		}
		for name := range used {
			if glob.Glob(entry, name) && !slices.Contains(builtin, name) {
				refuse([]string{name}, deniedHint)
			}
		}
	}
	return funcs
}

// UnknownFunctions are the entries of the list of denied functions that are the name of none.
func (c *Config) UnknownFunctions() []string {
	m := newManager(nil, Task{Client: &Config{}})
	return slices.DeleteFunc(slices.Clone(c.FunctionDenylist), func(name string) bool {
		if strings.Contains(name, "*") {
			return true // a pattern
		}
		t, err := ct.NewTemplate(&ct.NewTemplateInput{Contents: "{{ if false }}{{ " + name + " }}{{ end }}", ExtFuncMap: m.functions(nil)})
		if err == nil {
			_, err = t.Execute(&ct.ExecuteInput{Brain: ct.NewBrain()})
		}
		return err == nil
	})
}

// use returns the value of a source, which is watched from now on. ok is false while there is none.
func (m *Manager) use(key string, fetch func(context.Context) (any, error)) (value any, ok bool) {
	m.used[key] = true
	s := m.sources[key]
	if s == nil {
		s = &source{key: key, fetch: fetch}
		m.sources[key] = s
	}
	if !s.known {
		m.missing[key] = true
	}
	return s.value, s.known
}

func (m *Manager) fileFunc(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	key, fetch, err := m.file(strings.TrimSpace(name))
	if err != nil {
		return "", err
	}
	value, _ := m.use(key, fetch)
	text, _ := value.(string)
	return text, nil
}

func (m *Manager) serviceFunc(params ...any) ([]*dep.NomadService, error) {
	name, choose := "", ""
	switch len(params) {
	case 1:
		s, ok := params[0].(string)
		if !ok {
			return nil, errors.New("expected string for <service> argument")
		}
		name = s
	case 3:
		count, ok1 := params[0].(int)
		key, ok2 := params[1].(string)
		s, ok3 := params[2].(string)
		if !ok1 || !ok2 || !ok3 {
			return nil, errors.New("expected an integer, a string and a string for <count> <key> <service>")
		}
		name, choose = s, fmt.Sprintf("%d|%s", count, key)
	default:
		return nil, errors.New("expected arguments <service> or <count> <key> <service>")
	}
	key, fetch, err := m.service(name, choose)
	if err != nil {
		return nil, err
	}
	value, _ := m.use(key, fetch)
	list, _ := value.([]*dep.NomadService)
	return list, nil
}

func (m *Manager) servicesFunc(params ...string) ([]*dep.NomadServicesSnippet, error) {
	key, fetch, err := m.services(strings.Join(params, ""))
	if err != nil {
		return nil, err
	}
	value, _ := m.use(key, fetch)
	list, _ := value.([]*dep.NomadServicesSnippet)
	return list, nil
}
