package rules

import (
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// sizes tells cel-go's estimator how large inputs can be under the limits.
type sizes struct{ limits Limits }

func (s sizes) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	if n.ComputedSize() != nil {
		return nil
	}
	return s.of(n.Path(), n.Type())
}

func (s sizes) of(path []string, t *types.Type) *cost.SizeEstimate {
	switch t.Kind() {
	case types.StringKind:
		if len(path) > 1 {
			return &cost.SizeEstimate{Max: uint64(s.limits.ItemBytes)}
		}
		return &cost.SizeEstimate{Max: uint64(s.limits.StringBytes)}
	case types.ListKind:
		if len(path) == 1 && path[0] == identActivities {
			return &cost.SizeEstimate{Max: uint64(s.limits.Activities)}
		}
		return &cost.SizeEstimate{Max: uint64(s.limits.ListItems)}
	case types.MapKind:
		return &cost.SizeEstimate{Max: uint64(s.limits.ListItems)}
	case types.StructKind:
		return &cost.SizeEstimate{Max: 1}
	}
	return nil
}

// lookupCost is the price of looking up a time zone.
const lookupCost = 5000

// EstimateCallCost prices what cel-go has no idea of: a pattern by the size of
// its program, and functions that go through a string.
func (s sizes) EstimateCallCost(function, _ string, target *cost.AstNode, args []cost.AstNode) *cost.CallEstimate {
	switch {
	case function == overloads.Matches:
		subject := args[0]
		if target != nil {
			subject = *target
		}
		size := 1
		if pattern, ok := stringLiteral(args[len(args)-1].Expr()); ok {
			if n, err := patternSize(pattern); err == nil {
				size = n
			}
		}
		// RE2 in its slow form visits every instruction for every byte, at
		// some five nanoseconds each.
		return &cost.CallEstimate{CostEstimate: s.size(subject).MultiplyByCostFactor(0.05 * float64(size))}
	case clocks[function] != nil && len(args) == 1:
		// A zone that is not known before is looked up in files.
		if _, ok := stringLiteral(args[0].Expr()); !ok {
			return &cost.CallEstimate{CostEstimate: cost.SizeEstimate{Min: lookupCost, Max: lookupCost}.MultiplyByCostFactor(1)}
		}
		return nil
	case checks[function] != nil, edits[function] != nil:
		subject := target
		if subject == nil {
			subject = &args[0]
		}
		size := s.size(*subject)
		est := &cost.CallEstimate{CostEstimate: size.MultiplyByCostFactor(0.2)}
		if target != nil {
			est.ResultSize = &size
		}
		return est
	}
	return nil
}

func (s sizes) size(n cost.AstNode) cost.SizeEstimate {
	if computed := n.ComputedSize(); computed != nil {
		return *computed
	}
	if est := s.of(n.Path(), n.Type()); est != nil {
		return *est
	}
	return cost.SizeEstimate{Max: uint64(s.limits.StringBytes)}
}
