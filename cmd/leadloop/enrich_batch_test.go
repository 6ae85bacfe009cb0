package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bulkVendor answers lists of domains at /bulk and counts them.
type bulkVendor struct {
	mu    sync.Mutex
	sizes []int
	alone int
}

func (v *bulkVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if r.URL.Path != "/bulk" {
		v.alone++
		_, _ = fmt.Fprint(w, `{"size": 100}`)
		return
	}
	var domains []string
	if err := json.NewDecoder(r.Body).Decode(&domains); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	v.sizes = append(v.sizes, len(domains))
	out := make([]map[string]any, 0, len(domains))
	for _, d := range domains {
		out = append(out, map[string]any{"domain": d, "size": 100})
	}
	_ = json.NewEncoder(w).Encode(out)
}

// TestABacklogIsAskedAboutInBatches has a vendor who takes 50 at a time, and a
// budget that has room for fewer.
func TestABacklogIsAskedAboutInBatches(t *testing.T) {
	v := &bulkVendor{}
	srv := httptest.NewServer(v)
	defer srv.Close()
	dir := playbookWith(t, srv.URL, `batch: {size: 50, url: "`+srv.URL+`/bulk", query: '"{company.domain}"', key: domain}`)
	args := []string{"enrich", "--playbook", filepath.Join(dir, "playbook"), "--leads", filepath.Join(dir, "backlog.csv"), "--as-of", "2026-11-02", "--json", "--store", "sqlite:" + filepath.Join(dir, "b.db")}
	r := result(t, exitBudget, append(args, "--budget", "7.05"))
	if diff := cmp.Diff([]int{50, 20}, v.sizes); diff != "" || r["not_reached"] != float64(backlogSize-70) || r["paid_now"] != 7_000_000.0 {
		t.Errorf("%v leads not reached for %v; batches (-want +got):\n%s", r["not_reached"], r["paid_now"], diff)
	}
	v.sizes = nil
	r = result(t, 0, args)
	if diff := cmp.Diff([]int{30, 20}, v.sizes); diff != "" || r["paid_now"] != float64((backlogSize-70)*100_000) || v.alone > 0 {
		t.Errorf("paid %v, %d asked alone; batches of the second run (-want +got):\n%s", r["paid_now"], v.alone, diff)
	}
}
