package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBatchesAreMeasuredAgainstStructs(t *testing.T) {
	args := []string{"-batch", "-batch-leads", "1500", "-rounds", "2", "-models", "10,40"}
	var out, log bytes.Buffer
	if err := run(append(args, "-json"), &out, &log); err != nil {
		t.Fatal(err)
	}
	var r batchReport
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Models) != 2 || r.Leads != 1500 {
		t.Fatalf("%+v", r)
	}
	for _, m := range r.Models {
		var got []string
		for _, row := range m.Rows {
			got = append(got, row.What)
			if row.MinNS <= 0 || row.MedianNS < row.MinNS || row.Tuned == nil || row.Scan == nil {
				t.Errorf("%d rules: %+v", m.Rules, row)
			}
		}
		want := []string{
			"hand-tuned, rows", "columns, scan", "columns, a numeric rule edited, no score changes",
			"columns, a numeric rule edited, a ninth of the scores change", "columns, scan, a quarter of the fields absent",
			"columns, ingest and scan", "columns, stream", "one by one, Model.Verdict", "cel-maps, maps made beforehand",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d rules (-want +got):\n%s", m.Rules, diff)
		}
		if m.ColumnBytes <= 0 || m.ColumnBytes > m.RowBytes {
			t.Errorf("%d rules: %v bytes in columns, %v in structs", m.Rules, m.ColumnBytes, m.RowBytes)
		}
	}
	out.Reset()
	if err := run(append(args, "-engines", "hand-tuned"), &out, &log); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "cel") || !strings.Contains(text, "| columns, scan ") {
		t.Errorf("without cel-go:\n%s", text)
	}
	if log.Len() > 0 {
		t.Errorf("progress where no terminal is: %q", log.String())
	}
}
