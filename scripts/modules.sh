# What scripts/tidy and scripts/get share; sourced from the root of the repository.

module=github.com/leadloop/leadloop

# nested_modules prints the folder of every module below the root one.
nested_modules() {
	find . -name '[._]?*' -prune -o -name testdata -prune -o -name go.mod -print | sed 's|^\./||; s|/*go\.mod$||' | grep . | LC_ALL=C sort
}

# open_copy puts go.mod and go.sum of the folder $1 into $2, with the other modules of
# the repository replaced by their folders. All of them share one version: the one
# that $1 requires, or that of an unreleased module when it requires none yet.
open_copy() {
	local dir=$1 to=$2 other path
	cp "$dir/go.mod" "$to/go.mod"
	rm -f "$to/go.sum"
	if [ -e "$dir/go.sum" ]; then
		cp "$dir/go.sum" "$to/go.sum"
	fi
	version=$(sed -nE "s|^(require)?[[:space:]]*$module(/[^ ]*)? (v[^ ]*).*|\3|p" "$dir/go.mod" | head -n 1)
	version=${version:-v0.0.0}
	for other in . $(nested_modules); do
		path=$module/$other
		go mod edit -replace="${path%/.}@$version=$PWD/$other" "$to/go.mod"
	done
}

# close_copy takes the replaced folders out of the go.mod in $1 again.
close_copy() {
	local other path
	for other in . $(nested_modules); do
		path=$module/$other
		go mod edit -dropreplace="${path%/.}@$version" "$1/go.mod"
	done
}
