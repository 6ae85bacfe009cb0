package memstore

import (
	"iter"
	"strings"
	"time"
)

// tree is an ordered map that never changes: set and remove return a new tree
// that shares what it can with the old one (an AVL tree whose changed paths are
// copied). A copy of a tree is therefore a snapshot, and forgetting a changed
// one is a rollback.
type tree[K, V any] struct {
	root    *node[K, V]
	compare func(K, K) int
}

type node[K, V any] struct {
	left, right *node[K, V]
	height      int
	key         K
	value       V
}

func (t tree[K, V]) get(k K) (v V, ok bool) {
	for n := t.root; n != nil; {
		switch c := t.compare(k, n.key); {
		case c < 0:
			n = n.left
		case c > 0:
			n = n.right
		default:
			return n.value, true
		}
	}
	return v, false
}

func (t tree[K, V]) set(k K, v V) tree[K, V] {
	t.root = t.insert(t.root, k, v)
	return t
}

func (t tree[K, V]) remove(k K) tree[K, V] {
	if _, ok := t.get(k); ok {
		t.root = t.without(t.root, k)
	}
	return t
}

// from yields the entries with a key of at least k, in order.
func (t tree[K, V]) from(k K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.walk(t.root, k, yield) }
}

// all yields every entry in order.
func (t tree[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { each(t.root, yield) }
}

func (t tree[K, V]) walk(n *node[K, V], k K, yield func(K, V) bool) bool {
	if n == nil {
		return true
	}
	if t.compare(n.key, k) < 0 {
		return t.walk(n.right, k, yield)
	}
	return t.walk(n.left, k, yield) && yield(n.key, n.value) && each(n.right, yield)
}

func each[K, V any](n *node[K, V], yield func(K, V) bool) bool {
	return n == nil || each(n.left, yield) && yield(n.key, n.value) && each(n.right, yield)
}

func (t tree[K, V]) insert(n *node[K, V], k K, v V) *node[K, V] {
	if n == nil {
		return &node[K, V]{height: 1, key: k, value: v}
	}
	switch c := t.compare(k, n.key); {
	case c < 0:
		return balance(t.insert(n.left, k, v), n, n.right)
	case c > 0:
		return balance(n.left, n, t.insert(n.right, k, v))
	}
	return &node[K, V]{left: n.left, right: n.right, height: n.height, key: k, value: v}
}

// without is called for keys that exist only.
func (t tree[K, V]) without(n *node[K, V], k K) *node[K, V] {
	switch c := t.compare(k, n.key); {
	case c < 0:
		return balance(t.without(n.left, k), n, n.right)
	case c > 0:
		return balance(n.left, n, t.without(n.right, k))
	case n.left == nil:
		return n.right
	case n.right == nil:
		return n.left
	}
	next := n.right
	for next.left != nil {
		next = next.left
	}
	return balance(n.left, next, t.without(n.right, next.key))
}

func (n *node[K, V]) depth() int {
	if n == nil {
		return 0
	}
	return n.height
}

func join[K, V any](l, mid, r *node[K, V]) *node[K, V] {
	return &node[K, V]{left: l, right: r, height: 1 + max(l.depth(), r.depth()), key: mid.key, value: mid.value}
}

// balance joins two subtrees whose depths differ by at most two.
func balance[K, V any](l, mid, r *node[K, V]) *node[K, V] {
	switch d := l.depth() - r.depth(); {
	case d > 1 && l.left.depth() >= l.right.depth():
		return join(l.left, l, join(l.right, mid, r))
	case d > 1:
		return join(join(l.left, l, l.right.left), l.right, join(l.right.right, mid, r))
	case d < -1 && r.right.depth() >= r.left.depth():
		return join(join(l, mid, r.left), r, r.right)
	case d < -1:
		return join(join(l, mid, r.left.left), r.left, join(r.left.right, r, r.right))
	}
	return join(l, mid, r)
}

// key is what the indexes are ordered by, part after part. Each index uses the
// parts it needs.
type key struct {
	a string
	n int64
	t time.Time
	b string
	c string
	m int64
}

func (k key) compare(o key) int {
	if c := strings.Compare(k.a, o.a); c != 0 {
		return c
	}
	if k.n != o.n {
		return order(k.n, o.n)
	}
	if c := k.t.Compare(o.t); c != 0 {
		return c
	}
	if c := strings.Compare(k.b, o.b); c != 0 {
		return c
	}
	if c := strings.Compare(k.c, o.c); c != 0 {
		return c
	}
	return order(k.m, o.m)
}

func order(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// index is a tree in key order.
type index[V any] struct{ tree[key, V] }

func newIndex[V any]() index[V] { return index[V]{tree[key, V]{compare: key.compare}} }

func (x *index[V]) put(k key, v V) { x.tree = x.set(k, v) }
func (x *index[V]) drop(k key)     { x.tree = x.remove(k) }

// table is a tree by id.
type table[K ~string, V any] struct{ tree[K, V] }

func newTable[K ~string, V any]() table[K, V] {
	return table[K, V]{tree[K, V]{compare: func(a, b K) int { return strings.Compare(string(a), string(b)) }}}
}

func (x *table[K, V]) put(k K, v V) { x.tree = x.set(k, v) }
func (x *table[K, V]) drop(k K)     { x.tree = x.remove(k) }
