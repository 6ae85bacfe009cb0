package match

import "io"

// Record is one row: an id of the caller's, the source it comes from, and a value for each field, in the order of the fields.
type Record struct {
	ID     string
	Source string // of no meaning within one source; see [Mode] for more of them
	Values []string
}

// Mode says which rows may be one.
type Mode int

// The modes. What a source holds only once is better linked one to one: that knowledge is worth much.
const (
	Dedupe    Mode = iota // any two rows; the zero value
	OneToOne              // two sources at least, each without duplicates: a row has one partner at most in each other source
	ManyToOne             // rows of the other sources to a row of the first (in the order of names), which has no duplicates
	Across                // rows of different sources only, as many as fit
)

// Decision is what a human or another authority said about two rows, by their ids. It wins over every score.
type Decision struct {
	A    string `json:"a"`
	B    string `json:"b"`
	Same bool   `json:"same"`
}

// Thresholds are probabilities: at Auto and above nobody needs to look, from Review up to it somebody should, below it two rows are two.
// Clusters hold what is at least as likely one as not, that is from Match up.
type Thresholds struct {
	Auto   float64 `json:"auto"`   // 0 means 0.998 of the pairs of clusters, which third rows may make likelier, and 0.995 of two rows by themselves
	Match  float64 `json:"match"`  // 0 means 0.5
	Review float64 `json:"review"` // 0 means 0.1
}

// Verdict is what follows from a probability and the thresholds.
type Verdict string

// The verdicts.
const (
	VerdictAuto   Verdict = "auto"
	VerdictReview Verdict = "review"
	VerdictNew    Verdict = "new"
)

// Of returns the verdict for a probability.
func (t Thresholds) Of(probability float64) Verdict {
	t = t.withDefaults()
	switch {
	case probability >= t.Auto:
		return VerdictAuto
	case probability >= t.Review:
		return VerdictReview
	}
	return VerdictNew
}

// The default thresholds of what nobody needs to look at.
const (
	autoAlone   = 0.995
	autoCluster = 0.998
)

func (t Thresholds) withDefaults() Thresholds {
	if t.Auto == 0 {
		t.Auto = autoAlone
	}
	if t.Match == 0 {
		t.Match = 0.5
	}
	if t.Review == 0 {
		t.Review = 0.1
	}
	return t
}

// Options of [Learn] and [Model.Cluster]. The zero value is for one source and no labels.
type Options struct {
	Mode Mode
	// Decisions are obeyed by clusters and refine what is learnt. Ids that no row has are passed over.
	Decisions  []Decision
	Thresholds Thresholds
	// MaxCluster is the number of rows a cluster may have; 0 means 1,000. What is larger is cut where it is weakest. Rows that are equal in every
	// field count as one.
	MaxCluster int
	// Work, if not nil, is where [Model.Cluster] keeps what it has compared, key by key. If it finds there what it is about to compare, for the same
	// rows and the same model, it goes on from there and comes to the same result.
	Work Work
	// Progress, if not nil, is called after each blocking key that was worked through, from the goroutine of the caller.
	Progress func(Progress)
}

// Work keeps what was done of a long job, so that one that was broken off need not begin anew. Its names are file names.
type Work interface {
	// Load opens what was saved under a name. If nothing was, the error wraps fs.ErrNotExist.
	Load(name string) (io.ReadCloser, error)
	// Save saves under a name what write writes: all of it, or nothing.
	Save(name string, write func(w io.Writer) error) error
}

// Progress is how far a step has come.
type Progress struct {
	Step        string // "learn" or "compare"
	Done, Total int    // blocking keys
}

func (o Options) reporter(step string) func(done, total int) {
	if o.Progress == nil {
		return nil
	}
	return func(done, total int) { o.Progress(Progress{step, done, total}) }
}
