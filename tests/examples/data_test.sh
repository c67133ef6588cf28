#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Bad data files: each is refused with exit status 1 and a message that names
# the file and what to do, and nothing leaks.
#
# Each case starts from a small data set that is good, and damages one thing in
# it. TRAIN names the program.

. "$(dirname "$0")/tap.sh"

echo "TAP version 13"

data=$scratch/data
train_images=$data/train-images-idx3-ubyte.gz
train_labels=$data/train-labels-idx1-ubyte.gz
test_images=$data/t10k-images-idx3-ubyte.gz
test_labels=$data/t10k-labels-idx1-ubyte.gz

# 32 bits, big endian
word() {
	printf '%b' "$(printf '\\0%03o\\0%03o\\0%03o\\0%03o' \
		$(($1 >> 24 & 255)) $(($1 >> 16 & 255)) \
		$(($1 >> 8 & 255)) $(($1 & 255)))"
}

# images COUNT [ITEMS [ROWS [COLUMNS]]]: COUNT in the head, ITEMS in the file.
# The images are the same each time, and not all alike.
images() {
	word 0x803; word "$1"; word "${3:-28}"; word "${4:-28}"
	yes 'a few words for an image, of every grey' |
		head -c $((${2:-$1} * ${3:-28} * ${4:-28}))
}

# labels COUNT [LAST]: 1 each, but LAST at the end
labels() {
	word 0x801; word "$1"
	head -c $(($1 - 1)) /dev/zero | tr '\0' '\1'
	printf '%b' "\\0$(printf %o "${2:-1}")"
}

good_data() {
	rm -rf "$data"
	mkdir "$data"
	images 20 | gzip > "$train_images"
	labels 20 | gzip > "$train_labels"
	images 10 | gzip > "$test_images"
	labels 10 | gzip > "$test_labels"
}

train() {
	run "$TRAIN" --backend anonymous --quiet --epochs 1 --batch 8 \
		--data "$data" "$@"
}

# refused NAME FILE TEXT...: trains, and expects to be refused
refused() {
	name=$1
	shift
	train
	expect_status 1
	expect_err "$@"
	[ -s "$scratch/out" ] && fail "there is a report"
	done_case "$name"
	good_data
}

good_data

train
expect_status 0
expect_out "of 10 samples recognised"
done_case "a good data set is taken"

for file in "$train_images" "$train_labels" "$test_images" "$test_labels"; do
	rm "$file"
	refused "missing $(basename "$file")" "$file" "no such file" \
		"apt install dataset-fashion-mnist" "--data"
done

rm -r "$data"
refused "missing directory" "$train_images" "no such file" \
	"apt install dataset-fashion-mnist"

rm "$test_images"
mkdir "$test_images"
refused "a directory in place of a file" "$test_images" "Is a directory"

if [ "$(id -u)" -ne 0 ]; then
	chmod 0 "$train_labels"
	refused "unreadable file" "$train_labels" "Permission denied"
else
	skip_case "unreadable file" "root can read any file"
fi

: > "$train_images"
refused "empty file" "$train_images" "no IDX head" "truncated" "apt install"

images 20 | head -c 15 | gzip > "$train_images"
refused "head cut short" "$train_images" "no IDX head" "truncated"

labels 20 | gzip > "$train_images"
refused "labels in place of images" "$train_images" "0x00000801" \
	"0x00000803" "images" "apt install"

images 10 | gzip > "$test_labels"
refused "images in place of labels" "$test_labels" "0x00000803" \
	"0x00000801" "labels"

echo "This is no IDX file at all." | gzip > "$test_images"
refused "text in place of images" "$test_images" "magic number is 0x54686973"

images 20 19 | gzip > "$train_images"
refused "one image missing at the end" "$train_images" \
	"ends after 14896 of 15680 bytes" "truncated" "apt install"

images 20 | gzip | head -c 60 > "$train_images"
refused "gzip file cut short" "$train_images" "truncated" "apt install"

images 20 | gzip | head -c -8 > "$train_images"
refused "gzip file without its checksum" "$train_images" "truncated" "apt install"

images 20 | gzip | head -c -8 > "$train_images"
printf 'xxxx\100\075\0\0' >> "$train_images"
refused "wrong checksum" "$train_images" "incorrect data check" "apt install"

images 20 21 | gzip > "$train_images"
refused "one image too many" "$train_images" \
	"goes on after the 20 items" "apt install"

images 4294967295 20 | gzip > "$train_images"
refused "a head that announces terabytes" "$train_images" \
	"announces 4294967295 items" "truncated"

images 21 | gzip > "$train_images"
refused "fewer labels than images" "$train_labels" "20 labels" "21 images" \
	"$train_images"

labels 11 | gzip > "$test_labels"
refused "more labels than images" "$test_labels" "11 labels" "10 images"

labels 20 10 | gzip > "$train_labels"
refused "a label of 10" "$train_labels" "label 19 is 10, not 0 to 9"

labels 10 255 | gzip > "$test_labels"
refused "a test label of 255" "$test_labels" "label 9 is 255, not 0 to 9"

images 0 | gzip > "$test_images"
{ word 0x801; word 0; } | gzip > "$test_labels"
refused "no images" "$test_images" "no images in it" "data set"

images 20 20 27 28 | gzip > "$train_images"
refused "images of another size" "$train_images" "27 x 28" "28 x 28"

train --samples 21
expect_status 1
expect_err "$train_images" "20 images" "--samples 21"
done_case "more samples asked for than there are"

labels 20 10 | gzip > "$train_labels"
train --samples 19
expect_status 0
done_case "what --samples leaves out is not looked at"
good_data

train --json
grep '"step_losses"' "$scratch/out" > "$scratch/gzipped"
gunzip "$data"/*.gz
train --json
expect_status 0
grep '"step_losses"' "$scratch/out" > "$scratch/plain"
expect test -s "$scratch/plain"
expect cmp "$scratch/gzipped" "$scratch/plain"
done_case "plain files give the losses of gzipped ones"

images 20 19 > "$data/train-images-idx3-ubyte"
refused "plain file cut short" "$data/train-images-idx3-ubyte" \
	"ends after 14896 of 15680 bytes" "truncated"

done_testing
