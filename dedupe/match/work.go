package match

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// savedEdges are the edges of blocking keys in a Work. What cannot be read, or is of another job, is as good as not there: it is compared again.
type savedEdges struct {
	work Work
	job  [sha256.Size]byte
}

const edgesMagic = "leadloop match pairs 1\n"

// job identifies what is compared: the rows, how they are put together, and the model.
func (m *Model) job(n *nodes, mode Mode) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s%s %d %d %d %d %v", edgesMagic, m.Digest(), n.digest, n.all, n.len(), mode, floorWeight))
}

func (s *savedEdges) name(key int) string { return fmt.Sprintf("pairs-%02d", key) }

const edgeBytes = 12

// save writes the edges of a key: what they are, how many, all of them, a digest.
func (s *savedEdges) save(key int, parts [][]edge) error {
	return s.work.Save(s.name(key), func(w io.Writer) error {
		digest := sha256.New()
		out := bufio.NewWriterSize(io.MultiWriter(w, digest), 1<<16)
		_, _ = out.Write(s.job[:]) // errors stay until Flush
		count := 0
		for _, list := range parts {
			count += len(list)
		}
		var b [edgeBytes]byte
		binary.LittleEndian.PutUint64(b[:], uint64(count))
		_, _ = out.Write(b[:8])
		for _, list := range parts {
			for _, e := range list {
				binary.LittleEndian.PutUint32(b[:], e.x)
				binary.LittleEndian.PutUint32(b[4:], e.y)
				binary.LittleEndian.PutUint32(b[8:], math.Float32bits(e.weight))
				_, _ = out.Write(b[:])
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
		_, err := w.Write(digest.Sum(nil))
		return err
	})
}

// load returns the edges of a key among so many nodes, and whether they are there.
func (s *savedEdges) load(key, nodes int) ([]edge, bool) {
	f, err := s.work.Load(s.name(key))
	if err != nil {
		return nil, false
	}
	edges, err := s.read(f, nodes)
	if closed := f.Close(); err != nil || closed != nil {
		return nil, false
	}
	return edges, true
}

func (s *savedEdges) read(r io.Reader, nodes int) ([]edge, error) {
	digest := sha256.New()
	buffered := bufio.NewReaderSize(r, 1<<16)
	in := io.TeeReader(buffered, digest)
	var head [sha256.Size + 8]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	if !bytes.Equal(head[:sha256.Size], s.job[:]) {
		return nil, fmt.Errorf("of another job")
	}
	const atATime = 4096
	var edges []edge
	buf := make([]byte, atATime*edgeBytes)
	for left := binary.LittleEndian.Uint64(head[sha256.Size:]); left > 0; {
		n := min(left, atATime)
		left -= n
		if _, err := io.ReadFull(in, buf[:n*edgeBytes]); err != nil {
			return nil, err
		}
		for b := buf[:n*edgeBytes]; len(b) > 0; b = b[edgeBytes:] {
			e := edge{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), math.Float32frombits(binary.LittleEndian.Uint32(b[8:]))}
			if e.x >= e.y || int(e.y) >= nodes {
				return nil, fmt.Errorf("a pair of nodes that are not there")
			}
			edges = append(edges, e)
		}
	}
	var sum [sha256.Size]byte
	if _, err := io.ReadFull(buffered, sum[:]); err != nil {
		return nil, err
	}
	if !bytes.Equal(sum[:], digest.Sum(nil)) {
		return nil, fmt.Errorf("its content does not fit its digest")
	}
	return edges, nil
}
