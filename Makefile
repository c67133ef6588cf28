# SPDX-License-Identifier: GPL-2.0-only
#
# Verbs only: what is built and how is written where it is built. Everything
# goes below build/. "make help" lists the verbs.

MAKEFLAGS += --no-print-directory

ifneq ($(words $(CURDIR)),1)
$(error kbuild cannot work in a path with spaces: $(CURDIR))
endif

O := $(CURDIR)/build
CACHE := $(or $(XDG_CACHE_HOME),$(or $(HOME),$(O))/.cache)/arena
override DESTDIR := $(if $(DESTDIR),$(abspath $(DESTDIR)))
PREFIX ?= /usr/local
SERIES := 6.12 6.1

# KVER= takes a release, or a name that tests/vm/kernels knows (6.12, debug).
KVER ?= $(shell uname -r)
release = $(or $(shell tests/vm/kernels release $(KVER) 2>/dev/null),$(KVER))
KDIR ?= $(firstword $(wildcard $(O)/kernels/$(release)/headers \
		/lib/modules/$(release)/build))
module_out = $(O)/kmod/$(release)

.PHONY: all module lib setup demo check debug-kernel kernels kselftest install \
	uninstall clean distclean help

all: lib

help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST))

## make lib                    build/lib/libarenauser.a, .so and the programs
lib:
	@$(MAKE) -C libuser O=$(O)
	@if pkg-config --exists openblas zlib; then \
		$(MAKE) -C libuser/examples O=$(O); \
	else \
		echo "no OpenBLAS or zlib here: the examples are left out" >&2; \
	fi

## make module [KVER=RELEASE]  build/kmod/RELEASE/arena.ko [the running kernel]
##                             (KDIR=DIR: a kernel's build tree elsewhere)
module:
	@test -n "$(KDIR)" || { \
		echo "There are no headers of kernel $(release) here. Install" \
		"linux-headers-$(release), or pass KVER= or KDIR=." >&2; \
		ls $(O)/kernels 2>/dev/null | sed 's/^/  KVER=/' >&2; \
		exit 1; }
	@mkdir -p $(module_out)
	@flock $(module_out)/.lock sh -ec ' \
		tests/vm/mirror --key "$$(cksum $(KDIR)/include/config/auto.conf)" \
			$(module_out)/src Kbuild kmod; \
		$(MAKE) -C $(KDIR) M=$(module_out)/src $(MODULE_FLAGS) modules'
	@cp -u $(module_out)/src/kmod/arena.ko $(module_out)/arena.ko

## make setup                  install what the tests need (never a kernel)
setup:
	@tests/vm/packages check

## make kernels                fetch and unpack Debian's kernels for the VM
kernels:
	@tests/vm/kernels fetch

## make kselftest              unpack kselftest's harness below build/
kselftest:
	@tests/vm/kselftest

## make debug-kernel           the kernel with KASAN, lockdep and so on
debug-kernel:
	@tests/vm/debug-kernel

## make demo                   train in a VM from /dev/arena; needs nothing else
demo:
	@tests/vm/demo

## make check [GROUPS=...]     every test (tidy lib sanitized examples 6.12 6.1
##                             debug)
check:
	@tests/check/run $(GROUPS)

## make install uninstall      [DESTDIR=] [PREFIX=/usr/local]: library, headers,
##                             man pages, udev rule and group, DKMS sources
VERSION := $(shell sed -n 's/^MODULE_VERSION("\(.*\)");/\1/p' kmod/main.c)
dkms_dir = $(DESTDIR)/usr/src/arena-$(VERSION)
rules = $(DESTDIR)/usr/lib/udev/rules.d/60-arena.rules
sysusers = $(DESTDIR)/usr/lib/sysusers.d/arena.conf

install:
	@$(MAKE) -C libuser O=$(O) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) install
	@install -D -m 644 kmod/60-arena.rules $(rules)
	@install -D -m 644 kmod/arena.sysusers $(sysusers)
	@cd kmod && find . -name '*.[ch]' -o -name Kbuild | while read -r file; \
		do install -D -m 644 $$file $(dkms_dir)/kmod/$$file; done
	@install -m 644 Kbuild $(dkms_dir)/
	@sed 's/@VERSION@/$(VERSION)/' kmod/dkms.conf >$(dkms_dir)/dkms.conf

uninstall:
	@$(MAKE) -C libuser O=$(O) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) uninstall
	rm -rf $(dkms_dir) $(rules) $(sysusers)

## make clean distclean        remove build/; and what is kept in ~/.cache/arena
clean:
	rm -rf $(O)

distclean: clean
	rm -rf $(CACHE)
