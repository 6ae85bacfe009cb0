package rules

import (
	"errors"
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/leadloop/leadloop"
)

// The object types of the language. Leads and companies exist for the checker
// only: after it, every field is a variable of its own.
var (
	leadType     = types.NewObjectType("leadloop.Lead")
	companyType  = types.NewObjectType("leadloop.Company")
	activityType = types.NewObjectType("leadloop.Activity")
)

// provider tells the checker the fields of the object types.
type provider struct {
	*types.Registry
	env *Env
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	for _, t := range []*types.Type{leadType, companyType, activityType} {
		if t.TypeName() == name {
			return types.NewTypeTypeWithParam(t), true
		}
	}
	return nil, false
}

func (p *provider) FindStructFieldNames(string) ([]string, bool) { return nil, false }

func (p *provider) FindStructFieldType(object, field string) (*types.FieldType, bool) {
	switch object {
	case activityType.TypeName():
		f, ok := activityFields[field]
		return f, ok
	case leadType.TypeName():
		field = identLead + "." + field
	case companyType.TypeName():
		field = identCompany + "." + field
	}
	d, ok := p.env.schema.Lookup(field)
	if !ok {
		return nil, false
	}
	return &types.FieldType{Type: celType(d.Kind), IsSet: notAnObject, GetFrom: notAField}, true
}

var errNotAnObject = errors.New("a lead is read by its fields")

func notAnObject(any) bool       { return false }
func notAField(any) (any, error) { return nil, errNotAnObject }
func (p *provider) NewValue(string, map[string]ref.Val) ref.Val {
	return types.NewErr("objects can't be made")
}

// activity is one element of the list "activities".
type activity struct {
	of    *leadloop.Activity
	facts *reader
}

var activityFields = map[string]*types.FieldType{
	"type": activityField(types.StringType, func(a *activity) ref.Val { return a.facts.item("activity type", a.of.Type) }),
	"at":   activityField(types.TimestampType, func(a *activity) ref.Val { return a.facts.timestamp("activity time", a.facts.clamp(a.of.At)) }),
	"actor": activityField(types.StringType, func(a *activity) ref.Val {
		return a.facts.item("activity actor", string(a.of.Actor))
	}),
	"attributes": activityField(types.NewMapType(types.StringType, types.StringType), func(a *activity) ref.Val {
		if err := checkAttributes(a.of.Attributes, &a.facts.limits); err != nil {
			return types.NewErrWithNodeID(1, "%w", err)
		}
		return types.NewStringStringMap(types.DefaultTypeAdapter, a.of.Attributes)
	}),
}

func activityField(t *types.Type, get func(*activity) ref.Val) *types.FieldType {
	return &types.FieldType{
		Type:  t,
		IsSet: func(any) bool { return true },
		GetFrom: func(object any) (any, error) {
			a, ok := object.(*activity)
			if !ok {
				return nil, errNotAnObject
			}
			v := get(a)
			if err, bad := v.(*types.Err); bad {
				return nil, err
			}
			return v, nil
		},
	}
}

func (a *activity) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("an activity is not a %s", t)
}

func (a *activity) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("an activity is not a %s", t.TypeName())
}

// Equal tells whether both are the same entry of the list.
func (a *activity) Equal(other ref.Val) ref.Val {
	b, ok := other.(*activity)
	return types.Bool(ok && a.of == b.of)
}

func (a *activity) Type() ref.Type { return activityType }

func (a *activity) Value() any { return a }
