//! What `std` would bring: an allocator, the hook through which the host allocates, a panic handler.

use core::{alloc::Layout, panic::PanicInfo, ptr};

use alloc::alloc::{alloc, handle_alloc_error, realloc};

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

// `memcpy` and its like come from the target's C library.
#[link(name = "c")]
unsafe extern "C" {}

/// The canonical ABI's allocation hook.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_size: usize,
    align: usize,
    new_size: usize,
) -> *mut u8 {
    if new_size == 0 {
        return ptr::without_provenance_mut(align);
    }
    // SAFETY: the caller gives a power of two and a size that fits, as the canonical ABI demands of it.
    let layout = unsafe { Layout::from_size_align_unchecked(old_size.max(new_size), align) };
    let new = if old_size == 0 {
        // SAFETY: the size is not zero.
        unsafe { alloc(Layout::from_size_align_unchecked(new_size, align)) }
    } else {
        // SAFETY: `old` was allocated here with this size and alignment.
        unsafe {
            realloc(
                old,
                Layout::from_size_align_unchecked(old_size, align),
                new_size,
            )
        }
    };
    if new.is_null() {
        handle_alloc_error(layout);
    }
    new
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
