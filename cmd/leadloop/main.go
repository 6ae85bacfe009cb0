// Command leadloop runs a playbook over leads, checks, tests and compares
// playbooks, explains what was decided, enriches a backlog, simulates routing,
// finds duplicates, learns and audits scores, reviews a week, and looks after a
// store and the people in it. "leadloop --help" lists the commands.
//
// Exit codes: 0 all went well; 1 failed; 2 the playbook or the command line is
// wrong and nothing was run; 3 done, but rows were rejected, providers failed or
// a store needs a look; 4 stopped because a budget has no room; 130 interrupted,
// and what was committed stays. Those of plan are others: 2 says that something
// moves, 3 that a guard would be broken, 1 everything else.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // calendars work the same on machines without zone files

	"github.com/alecthomas/kong"
)

// exitError ends the program with a code; its error may be nil.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

const (
	exitFailed      = 1
	exitUsage       = 2
	exitRejects     = 3
	exitBudget      = 4
	exitInterrupted = 130
)

type cli struct {
	Run   runCmd   `cmd:"" help:"Run a playbook over a file of leads: every lead comes out with an owner, a queue, a track or a reason."`
	Check checkCmd `cmd:"" help:"Print every problem of a playbook, with file:line:column."`

	Explain explainCmd `cmd:"" help:"Say everything that was decided about a lead and why; decide it again, or with other values."`

	Plan planCmd `cmd:"" help:"Say what a changed playbook would do to leads before it is used. Exit code 0: nothing moves; 2: something moves; 3: a guard would be broken."`

	Versions versionsCmd `cmd:"" help:"Draft, shadow, activate and roll back versions of a playbook in a store."`

	Test testCmd `cmd:"" help:"Run the playbook's cases: what fails, what they do not cover, and which changed weight none of them would notice."`

	Enrich enrichCmd `cmd:"" help:"Enrich a backlog: ask providers for what leads lack, as long as it can change what happens to them."`
	Trial  trialCmd  `cmd:"" help:"Try providers on leads that you know all about: who knows them, who is right, and what order is worth its money."`

	Route    routeCmd    `cmd:"" help:"Say which entries of the chain are for a lead, and who would get it, without writing anything."`
	Simulate simulateCmd `cmd:"" help:"Replay leads through a playbook's routing in virtual time: who would get what, how soon, how fair, and what another playbook would change."`

	Dedupe dedupeCmd `cmd:"" help:"Find the rows of any table that are the same person or company, without labels."`

	Doctor doctorCmd `cmd:"" help:"Examine a store: what is stuck, dead or damaged, and what to do about it."`

	Privacy privacyCmd `cmd:"" help:"Erase, export, hold or retain what is stored about people, and keep the ledger of consents."`

	Report      reportCmd      `cmd:"" help:"Review a week: what came, what was worked, what leaked, what changed beyond noise, and what to try."`
	Attribution attributionCmd `cmd:"" help:"Divide the credit for conversions and money between channels, by nine models."`

	History historyCmd `cmd:"" help:"What happened before leadloop."`

	Learn learnCmd `cmd:"" help:"Learn a scoring model from leads whose end is known: any table, a file that people can read."`
	Audit auditCmd `cmd:"" help:"Ask whether scores and signals still tell how leads end: gap, tiers, probabilities, drift, rules, modifiers."`
	Score scoreCmd `cmd:"" help:"Score any table of leads by a scoring.yaml."`

	Version kong.VersionFlag `help:"Print the version."`
}

// streams are where a command writes: results to out, progress and problems
// to err.
type streams struct {
	out, err io.Writer
}

// say writes a line for people to err. What can't be said there can't be said
// anywhere, and is no reason to stop.
func (s streams) say(format string, args ...any) { _, _ = fmt.Fprintf(s.err, format+"\n", args...) }

func main() {
	// A run makes much garbage and keeps little: collecting less often is a
	// tenth of its time for some memory. GOGC in the environment has its way.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// version is what the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "leadloop, of an unknown version"
	}
	return "leadloop " + info.Main.Version + " " + info.GoVersion
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, s streams) (code int) {
	parser, err := kong.New(&cli{}, kong.Name("leadloop"), kong.UsageOnError(), kong.Writers(s.out, s.err),
		kong.Description("B2B leads: capture, dedupe, suppress, enrich, score, route, track."),
		kong.Vars{"version": version()},
		kong.Exit(func(c int) { panic(&exitError{code: c}) }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s))
	if err != nil {
		s.say("leadloop: %v", err)
		return exitFailed
	}
	defer func() {
		// Kong ends the program after --help; here it ends this function.
		if p := recover(); p != nil {
			exit, ok := p.(*exitError)
			if !ok {
				panic(p)
			}
			code = exit.code
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if err != nil {
		s.say("leadloop: %v", err)
		s.say("Run %s for what is possible.", helpOf(parser, args[0]))
		if args[0] == "plan" {
			return exitFailed // 2 would say that something moves
		}
		return exitUsage
	}
	err = kctx.Run()
	var exit *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		if exit.err != nil {
			s.say("leadloop: %v", exit.err)
		}
		return exit.code
	case errors.Is(err, context.Canceled):
		s.say("leadloop: interrupted; what was committed stays, and running the same command again goes on from there")
		return exitInterrupted
	default:
		s.say("leadloop: %v", err)
		return exitFailed
	}
}

// helpOf names the help for a command, or for all of them if there is none of this name.
func helpOf(parser *kong.Kong, name string) string {
	for _, c := range parser.Model.Children {
		if c.Name == name {
			return fmt.Sprintf("\"leadloop %s --help\"", name)
		}
	}
	return "\"leadloop --help\""
}
