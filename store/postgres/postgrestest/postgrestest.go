// Package postgrestest starts a PostgreSQL server for the tests of one program.
//
// It uses the database that LEADLOOP_TEST_POSTGRES names, or else a server of
// its own from the binaries on this machine, in a temporary folder, on a Unix
// socket, which ends with the program even if that is killed. Where there is
// neither, tests that ask for it are skipped and say so; with CI=true they
// fail.
//
// Start with [Main] in TestMain and [DSN] in a test.
package postgrestest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Variable names the environment variable with the connection string of a
// database to use instead of a server of its own.
const Variable = "LEADLOOP_TEST_POSTGRES"

// Main runs the tests and ends the server, if one was started. It is for
// TestMain: os.Exit(postgrestest.Main(m)).
func Main(m *testing.M) int {
	code := m.Run()
	if the.server != nil {
		if err := the.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return max(code, 1)
		}
	}
	return code
}

// the is the server of this program: a server takes a second to start, and
// tests keep apart by schemas.
var the struct {
	once   sync.Once
	dsn    string
	server *Server
	err    error
}

// DSN returns the connection string of a database for tests. Tests share it:
// each uses a schema of its own.
func DSN(t testing.TB) string {
	t.Helper()
	the.once.Do(func() {
		if the.dsn = os.Getenv(Variable); the.dsn != "" {
			return
		}
		if the.server, the.err = Start(); the.err == nil {
			the.dsn = the.server.DSN
		}
	})
	if the.err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("PostgreSQL is required where CI=true: %v", the.err)
		}
		t.Skipf("no PostgreSQL: %v; install it, or set %s to the connection string of a database for tests", the.err, Variable)
	}
	return the.dsn
}

// Server is a PostgreSQL server of the tests' own.
type Server struct {
	// DSN connects to its database.
	DSN string

	folder   string
	bin      string
	settings []string
	as       *syscall.SysProcAttr
	run      *exec.Cmd
	alive    io.Closer
	log      output
}

// output gathers what the server writes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write is called by the server's pipe.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// Log is what the server wrote since it was started first.
func (s *Server) Log() string {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.b.String()
}

// Data is the folder with the server's files.
func (s *Server) Data() string { return filepath.Join(s.folder, "data") }

// Start starts a server in a temporary folder. Tests that stop or kill it start
// one of their own. Settings such as "fsync=on" come on top of those that make
// tests fast.
func Start(settings ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "leadloop-postgres-") // short: the socket's path may have 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder, bin: bin, settings: settings}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := s.Resume(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return s, nil
}

// binaries finds the folder of initdb and postgres.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb", "/opt/homebrew/opt/postgresql*/bin/initdb", "/usr/local/opt/postgresql*/bin/initdb"} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return filepath.Dir(slices.Max(found)), nil
		}
	}
	return "", errors.New("initdb is not in PATH nor in the usual folders")
}

// prepare makes an empty cluster. PostgreSQL refuses to run as root, so root
// gives the folder to another user.
func (s *Server) prepare() error {
	if os.Geteuid() == 0 {
		id, err := nobody()
		if err != nil {
			return err
		}
		if err := os.Chown(s.folder, int(id.Uid), int(id.Gid)); err != nil {
			return err
		}
		s.as = &syscall.SysProcAttr{Credential: id}
	}
	init := exec.Command(filepath.Join(s.bin, "initdb"), "-D", s.Data(), "-U", "leadloop", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	init.SysProcAttr, init.Dir = s.as, s.folder
	if out, err := init.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	s.DSN = "host=" + s.folder + " user=leadloop dbname=postgres"
	return nil
}

func nobody() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}

// guard runs the server until the pipe at its standard input closes, which it
// does when the program ends, however that ends.
const guard = `"$@" & server=$!; cat >/dev/null; kill -INT $server 2>/dev/null; wait $server`

// Resume starts a server that was stopped or killed, on the same data.
func (s *Server) Resume() error {
	args := []string{"-c", guard, "guard", filepath.Join(s.bin, "postgres"), "-D", s.Data(), "-k", s.folder}
	for _, setting := range append([]string{"listen_addresses=", "fsync=off", "max_connections=200", "shared_buffers=64MB"}, s.settings...) {
		args = append(args, "-c", setting)
	}
	s.run = exec.Command("/bin/sh", args...)
	s.run.SysProcAttr, s.run.Dir, s.run.Stderr = s.as, s.folder, &s.log
	alive, err := s.run.StdinPipe()
	if err != nil {
		return err
	}
	s.alive = alive
	if err := s.run.Start(); err != nil {
		return err
	}
	return s.ready()
}

// ready waits until the server accepts connections.
func (s *Server) ready() error {
	deadline := time.Now().Add(time.Minute)
	for {
		err := exec.Command(filepath.Join(s.bin, "pg_isready"), "-q", "-h", s.folder).Run()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server does not start: %w: %s", errors.Join(err, s.end()), s.Log())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Kill ends the server as a crash would: every process at once.
func (s *Server) Kill() error {
	pid, err := os.ReadFile(filepath.Join(s.Data(), "postmaster.pid"))
	if err != nil {
		return err
	}
	first, _, _ := bytes.Cut(pid, []byte("\n"))
	n, err := strconv.Atoi(string(first))
	if err != nil {
		return err
	}
	// SIGQUIT makes the server drop everything without a checkpoint; SIGKILL
	// would leave its children for a moment, and the next start refuses then.
	if err := syscall.Kill(n, syscall.SIGQUIT); err != nil {
		return err
	}
	return s.end()
}

// End waits for a server that ended itself, so that it can be resumed.
func (s *Server) End() error { return s.end() }

// end closes the pipe and waits for the guard.
func (s *Server) end() error {
	err := s.alive.Close()
	// The exit code is that of a server that was told to end.
	_ = s.run.Wait()
	return err
}

// Stop ends the server and removes its folder.
func (s *Server) Stop() error { return errors.Join(s.end(), os.RemoveAll(s.folder)) }
