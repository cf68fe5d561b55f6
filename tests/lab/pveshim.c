/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LD_PRELOAD library that makes a stock QEMU look like Proxmox VE's in /proc:
 *  - "-id N" and "-machine type=X+pveN" are options of its patched QEMU.  They are hidden
 *    from main(), while /proc/PID/cmdline still shows them;
 *  - with PVESHIM_KVM=1 a vCPU thread of the software emulation calls itself "CPU n/KVM".
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int main_fn(int argc, char **argv, char **envp);
typedef int start_fn(main_fn *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
		     void (*rtld_fini)(void), void *stack_end);
typedef int setname_fn(pthread_t thread, const char *name);

start_fn __libc_start_main;

static main_fn *real_main;

static char *without_pve(const char *arg)
{
	char *copy = strdup(arg);
	char *plus = copy ? strstr(copy, "+pve") : NULL;

	if (plus)
		*plus = '\0';
	return copy;
}

static int shim_main(int argc, char **argv, char **envp)
{
	char **kept = calloc((size_t)argc + 1, sizeof(*kept));
	int n = 0;

	if (!kept)
		return 1;
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "-id") && i + 1 < argc) {
			i++;
			continue;
		}
		kept[n++] = i && !strcmp(argv[i - 1], "-machine") ? without_pve(argv[i]) : argv[i];
	}
	return real_main(n, kept, envp);
}

int __libc_start_main(main_fn *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack_end)
{
	start_fn *real = (start_fn *)dlsym(RTLD_NEXT, "__libc_start_main");

	real_main = main;
	return real(shim_main, argc, argv, init, fini, rtld_fini, stack_end);
}

int pthread_setname_np(pthread_t thread, const char *name)
{
	setname_fn *real = (setname_fn *)dlsym(RTLD_NEXT, "pthread_setname_np");
	char kvm[16];
	int vcpu;

	if (getenv("PVESHIM_KVM") && sscanf(name, "CPU %d/TCG", &vcpu) == 1) {
		snprintf(kvm, sizeof(kvm), "CPU %d/KVM", vcpu);
		name = kvm;
	}
	return real(thread, name);
}
