package leadloop

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
)

// StructMap maps a host's own struct to fields and back, by tags:
//
//	type Signup struct {
//		Mail  string `leadloop:"lead.email"`
//		Seats *int   `leadloop:"company.employees"`
//		Trial bool   `leadloop:"lead.trial,zero"`
//	}
//
// A nil pointer says nothing (absent); so does the zero value of anything
// else, unless the tag ends in ",zero", which makes zero a value. Untagged
// struct fields are walked, other untagged fields are left alone. A StructMap
// is safe for concurrent use.
type StructMap[T any] struct {
	schema *Schema
	parts  []structPart
}

type structPart struct {
	index []int
	def   FieldDef
	slot  int
	zero  bool
}

// MapStruct checks T's tags against the schema. All problems are returned
// together.
func MapStruct[T any](s *Schema) (*StructMap[T], error) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("map struct: %w: %s is no struct", ErrInvalid, t)
	}
	m := &StructMap[T]{schema: s}
	problems := m.walk(t, nil, map[string]bool{})
	if len(m.parts) == 0 && len(problems) == 0 {
		problems = append(problems, fmt.Errorf("%w: no field of %s has a leadloop tag", ErrInvalid, t))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("map struct: %w", err)
	}
	return m, nil
}

func (m *StructMap[T]) walk(t reflect.Type, at []int, seen map[string]bool) (problems []error) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int(nil), at...), i)
		tag, tagged := f.Tag.Lookup("leadloop")
		if !tagged {
			if f.IsExported() && f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[time.Time]() {
				problems = append(problems, m.walk(f.Type, index, seen)...)
			}
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		slot, known := m.schema.Index(name)
		switch {
		case !f.IsExported():
			problems = append(problems, fmt.Errorf("%s.%s: %w: is tagged but not exported", t, f.Name, ErrInvalid))
		case !known:
			problems = append(problems, fmt.Errorf("%s.%s: %w: %q is not in the schema", t, f.Name, ErrInvalid, name))
		case option != "" && option != "zero":
			problems = append(problems, fmt.Errorf("%s.%s: %w: unknown tag option %q", t, f.Name, ErrInvalid, option))
		case seen[name]:
			problems = append(problems, fmt.Errorf("%s.%s: %w: %s is mapped twice", t, f.Name, ErrInvalid, name))
		case !fits(f.Type, m.schema.At(slot).Kind):
			problems = append(problems, fmt.Errorf("%s.%s: %w: a %s can't hold %s, which is a %s", t, f.Name, ErrInvalid, f.Type, name, m.schema.At(slot).Kind))
		default:
			seen[name] = true
			m.parts = append(m.parts, structPart{index: index, def: m.schema.At(slot), slot: slot, zero: option == "zero"})
		}
	}
	return problems
}

func fits(t reflect.Type, k Kind) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch k {
	case KindString:
		return t.Kind() == reflect.String
	case KindInt:
		return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64
	case KindFloat:
		return t.Kind() == reflect.Float64 || t.Kind() == reflect.Float32
	case KindBool:
		return t.Kind() == reflect.Bool
	case KindTime:
		return t == reflect.TypeFor[time.Time]()
	case KindStrings:
		return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String
	}
	return false
}

// Claims states what v says, each claim with the given evidence, in the order
// of T's fields. An unsigned number beyond the range of int64 is left out.
func (m *StructMap[T]) Claims(v T, e Evidence) []Claim {
	rv := reflect.ValueOf(v)
	var out []Claim
	for _, part := range m.parts {
		f := rv.FieldByIndex(part.index)
		if f.Kind() == reflect.Pointer {
			if f.IsNil() {
				continue
			}
			f = f.Elem()
		} else if f.IsZero() && !part.zero {
			continue
		}
		val, ok := fromReflect(f, part.def.Kind)
		if !ok {
			continue
		}
		out = append(out, Claim{Field: part.def.Name, Value: val, Evidence: e})
	}
	return out
}

func fromReflect(f reflect.Value, k Kind) (Value, bool) {
	switch k {
	case KindString:
		return ValueOf(f.String()), true
	case KindInt:
		if f.CanUint() {
			return ValueOf(int64(f.Uint())), f.Uint() <= math.MaxInt64
		}
		return ValueOf(f.Int()), true
	case KindFloat:
		return ValueOf(f.Float()), true
	case KindBool:
		return ValueOf(f.Bool()), true
	case KindTime:
		return ValueOf(f.Interface().(time.Time)), true
	case KindStrings:
		list := make([]string, f.Len())
		for i := range list {
			list[i] = f.Index(i).String()
		}
		return ValueOf(list), true
	}
	return Value{}, false
}

// Fill writes the golden values of p into v. Fields without a value are left
// as they are, so that nothing the host knows is wiped out. It fails, having
// written the other fields, if a number does not fit its Go type.
func (m *StructMap[T]) Fill(v *T, p *Profile) error {
	rv := reflect.ValueOf(v).Elem()
	var problems []error
	for _, part := range m.parts {
		val := p.Value(part.def.Name)
		if val.Presence() != Present {
			continue
		}
		f := rv.FieldByIndex(part.index)
		target := f
		if f.Kind() == reflect.Pointer {
			target = reflect.New(f.Type().Elem()).Elem()
		}
		switch {
		case !toReflect(target, val):
			problems = append(problems, fmt.Errorf("field %s: %w: does not fit a %s", part.def.Name, ErrInvalid, target.Type()))
		case f.Kind() == reflect.Pointer:
			f.Set(target.Addr())
		}
	}
	return errors.Join(problems...)
}

func toReflect(f reflect.Value, v Value) bool {
	switch v.Kind() {
	case KindString:
		f.SetString(v.Text())
	case KindInt:
		switch n := v.Int(); {
		case f.CanInt() && !f.OverflowInt(n):
			f.SetInt(n)
		case f.CanUint() && n >= 0 && !f.OverflowUint(uint64(n)):
			f.SetUint(uint64(n))
		default:
			return false
		}
	case KindFloat:
		if f.OverflowFloat(v.Float()) {
			return false
		}
		f.SetFloat(v.Float())
	case KindBool:
		f.SetBool(v.Bool())
	case KindTime:
		f.Set(reflect.ValueOf(v.Time()))
	case KindStrings:
		list := reflect.MakeSlice(f.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			list.Index(i).SetString(v.At(i))
		}
		f.Set(list)
	}
	return true
}
