//go:build ignore

// Convert makes conformance.jsonl of the simple conformance tests of the CEL
// specification, which are in the Go module cel.dev/expr that cel-go needs:
//
//	GOWORK=off go run ./rules/testdata/celspec/convert.go >rules/testdata/celspec/conformance.jsonl
//
// What can't be written down without protocol buffers is counted by reason in
// the first line and left out.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"cel.dev/expr"
	_ "cel.dev/expr/conformance/proto2"
	_ "cel.dev/expr/conformance/proto3"
	"cel.dev/expr/conformance/test"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

type header struct {
	Source  string         `json:"source"`
	Licence string         `json:"licence"`
	Tests   int            `json:"tests"`
	LeftOut map[string]int `json:"left_out"`
}

type row struct {
	Name  string           `json:"name"`
	Expr  string           `json:"expr"`
	Vars  map[string]value `json:"vars,omitempty"`
	Want  *value           `json:"want,omitempty"`
	Error bool             `json:"error,omitempty"`
}

// value is a value by its kind; a map is a list of keys and values in turn.
type value struct {
	Kind string  `json:"kind"`
	Text string  `json:"text,omitempty"`
	List []value `json:"list,omitempty"`
}

const module = "cel.dev/expr"

// extensions are libraries besides the standard one, of which rules have
// nothing; string_ext holds functions that they have.
var extensions = []string{"bindings_ext", "block_ext", "encoders_ext", "macros2", "math_ext", "network_ext", "optionals", "proto2_ext"}

func main() {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", module).Output()
	if err != nil {
		log.Fatal(err)
	}
	version, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	files, err := filepath.Glob(filepath.Join(dir, "tests", "simple", "testdata", "*.textproto"))
	if err != nil {
		log.Fatal(err)
	}
	h := header{
		Source:  module + " " + version + ", tests/simple/testdata (the CEL specification, github.com/google/cel-spec)",
		Licence: "Apache-2.0, see LICENSE of that module; the tests are rewritten as JSON, otherwise unchanged",
		LeftOut: map[string]int{},
	}
	var rows []row
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			log.Fatal(err)
		}
		var f test.SimpleTestFile
		if err := prototext.Unmarshal(data, &f); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		for _, section := range f.GetSection() {
			for _, t := range section.GetTest() {
				h.Tests++
				r, err := convert(f.GetName(), t)
				if err != nil {
					h.LeftOut[err.Error()]++
					continue
				}
				r.Name = f.GetName() + "/" + section.GetName() + "/" + t.GetName()
				rows = append(rows, r)
			}
		}
	}
	w := bufio.NewWriter(os.Stdout)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(h); err != nil {
		log.Fatal(err)
	}
	for _, r := range rows {
		if err := e.Encode(r); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
}

func convert(file string, t *test.SimpleTest) (r row, err error) {
	for _, x := range extensions {
		if file == x {
			return r, errors.New("a library of extensions")
		}
	}
	switch {
	case t.GetContainer() != "":
		return r, errors.New("a container of names, mostly of protocol buffers")
	case t.GetCheckOnly():
		return r, errors.New("only the type is tested")
	case t.GetDisableMacros():
		return r, errors.New("no macros")
	}
	r.Expr = t.GetExpr()
	for name, b := range t.GetBindings() {
		if r.Vars == nil {
			r.Vars = map[string]value{}
		}
		if r.Vars[name], err = convertValue(b.GetValue()); err != nil {
			return r, err
		}
	}
	switch m := t.GetResultMatcher().(type) {
	case nil:
		r.Want = &value{Kind: "bool", Text: "true"}
	case *test.SimpleTest_Value:
		v, err := convertValue(m.Value)
		r.Want = &v
		return r, err
	case *test.SimpleTest_TypedResult:
		v, err := convertValue(m.TypedResult.GetResult())
		r.Want = &v
		return r, err
	case *test.SimpleTest_EvalError, *test.SimpleTest_AnyEvalErrors:
		r.Error = true
	default:
		return r, errors.New("unknown values by another protocol")
	}
	return r, nil
}

func convertValue(v *expr.Value) (value, error) {
	switch k := v.GetKind().(type) {
	case *expr.Value_NullValue:
		return value{Kind: "null"}, nil
	case *expr.Value_BoolValue:
		return value{Kind: "bool", Text: strconv.FormatBool(k.BoolValue)}, nil
	case *expr.Value_Int64Value:
		return value{Kind: "int", Text: strconv.FormatInt(k.Int64Value, 10)}, nil
	case *expr.Value_Uint64Value:
		return value{Kind: "uint", Text: strconv.FormatUint(k.Uint64Value, 10)}, nil
	case *expr.Value_DoubleValue:
		return value{Kind: "double", Text: strconv.FormatFloat(k.DoubleValue, 'g', -1, 64)}, nil
	case *expr.Value_StringValue:
		return value{Kind: "string", Text: k.StringValue}, nil
	case *expr.Value_BytesValue:
		return value{Kind: "bytes", Text: base64.StdEncoding.EncodeToString(k.BytesValue)}, nil
	case *expr.Value_TypeValue:
		return value{Kind: "type", Text: k.TypeValue}, nil
	case *expr.Value_ListValue:
		out := value{Kind: "list"}
		return out, appendValues(&out.List, k.ListValue.GetValues()...)
	case *expr.Value_MapValue:
		out := value{Kind: "map"}
		for _, e := range k.MapValue.GetEntries() {
			if err := appendValues(&out.List, e.GetKey(), e.GetValue()); err != nil {
				return out, err
			}
		}
		return out, nil
	case *expr.Value_ObjectValue:
		return convertObject(k.ObjectValue)
	}
	return value{}, errors.New("protocol buffers as values")
}

func appendValues(list *[]value, from ...*expr.Value) error {
	for _, x := range from {
		v, err := convertValue(x)
		if err != nil {
			return err
		}
		*list = append(*list, v)
	}
	return nil
}

func convertObject(o *anypb.Any) (value, error) {
	m, err := o.UnmarshalNew()
	if err != nil {
		return value{}, fmt.Errorf("protocol buffers as values")
	}
	switch m := m.(type) {
	case *timestamppb.Timestamp:
		return value{Kind: "timestamp", Text: m.AsTime().UTC().Format(time.RFC3339Nano)}, nil
	case *durationpb.Duration:
		return value{Kind: "duration", Text: strconv.FormatInt(m.GetSeconds(), 10) + "s" + strconv.FormatInt(int64(m.GetNanos()), 10) + "ns"}, nil
	}
	return value{}, errors.New("protocol buffers as values")
}
