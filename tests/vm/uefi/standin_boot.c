/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The stand-in's way from a slot's kernel partition to Linux: GPT, Android boot image (version 0), EFI stub of the kernel. */
#include "standin.h"

#define PAGE_BYTES 4096u
#define ENTRY_NAME_OFFSET 56u
#define ENTRY_NAME_CHARS 36u
#define GPT_HEADER_BYTES 512u
#define GPT_TABLE_BYTES 16384u
#define IMAGE_BYTES_MAX (128u * 1024u * 1024u)
#define BOOT_CMDLINE_OFFSET 64u
#define BOOT_CMDLINE_BYTES 512u
#define CMDLINE_CHARS 768u

static const struct efi_guid block_io_guid = {
	0x964e5b21, 0x6459, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};
static const struct efi_guid loaded_image_guid = {
	0x5b1b31a1, 0x9562, 0x11d2, { 0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};
static const struct efi_guid device_path_guid = {
	0x09576e91, 0x6d3f, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};
static const struct efi_guid load_file2_guid = {
	0x4006c0c1, 0xfcb3, 0x403e, { 0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d }
};

/* Where Linux looks for its initramfs: a vendor's media path, and the end of the path. */
static const uint8_t initrd_path[24] = { 4,    3,    20,   0,	 0x27, 0xe4, 0x68, 0x55,
					 0xfc, 0x68, 0x3d, 0x4f, 0xac, 0x74, 0xca, 0x55,
					 0x52, 0x31, 0xcc, 0x68, 0x7f, 0xff, 4,	   0 };

struct initrd {
	struct efi_load_file protocol; /* first: Linux gives it back */
	const uint8_t *data;
	size_t bytes;
};

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t le64(const uint8_t *p)
{
	return le32(p) | (uint64_t)le32(p + 4) << 32;
}

static uint8_t *allocate(const struct standin *s, size_t bytes)
{
	uint64_t address = 0;

	if (s->system->boot->allocate_pages(0, EFI_LOADER_DATA,
					    (bytes + PAGE_BYTES - 1) / PAGE_BYTES,
					    &address) != EFI_SUCCESS)
		return NULL;
	return (uint8_t *)address;
}

static bool read_disk(struct efi_block_io *disk, uint64_t lba, void *to, size_t bytes)
{
	return disk->read_blocks(disk, disk->media->id, lba, bytes, to) == EFI_SUCCESS;
}

static bool has_name(const uint8_t *entry, const char *name)
{
	size_t i = 0;

	for (; i < ENTRY_NAME_CHARS; i++) {
		const uint8_t *letter = entry + ENTRY_NAME_OFFSET + 2 * i;

		if (letter[0] != (uint8_t)name[i] || letter[1] != 0)
			return false;
		if (name[i] == '\0')
			return true;
	}
	return false;
}

static bool find_on_disk(struct efi_block_io *disk, uint8_t *buf, const char *name,
			 struct standin_partition *ret)
{
	static const char signature[] = "EFI PART";
	uint32_t count, entry_bytes;

	if (disk->media->block_bytes != GPT_HEADER_BYTES ||
	    !read_disk(disk, 1, buf, GPT_HEADER_BYTES))
		return false;
	for (size_t i = 0; i < sizeof(signature) - 1; i++)
		if (buf[i] != (uint8_t)signature[i])
			return false;
	count = le32(buf + 80);
	entry_bytes = le32(buf + 84);
	if (entry_bytes != 128 || count > GPT_TABLE_BYTES / 128 ||
	    !read_disk(disk, le64(buf + 72), buf, GPT_TABLE_BYTES))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *entry = buf + (size_t)i * entry_bytes;
		uint64_t first = le64(entry + 32), last = le64(entry + 40);

		if (!has_name(entry, name) || last < first)
			continue;
		*ret = (struct standin_partition){ disk, first, last - first + 1 };
		return true;
	}
	return false;
}

bool standin_find_partition(const struct standin *s, const char *name, struct standin_partition *ret)
{
	uint8_t *buf = allocate(s, GPT_TABLE_BYTES);
	void **handle = NULL;
	size_t count = 0;

	if (!buf || s->system->boot->locate_handle_buffer(EFI_BY_PROTOCOL, &block_io_guid, NULL,
							  &count, &handle) != EFI_SUCCESS)
		return false;
	for (size_t i = 0; i < count; i++) {
		void *disk = NULL;

		if (s->system->boot->open_protocol(handle[i], &block_io_guid, &disk, s->image, NULL,
						   2) != EFI_SUCCESS)
			continue;
		if (!((struct efi_block_io *)disk)->media->partition &&
		    find_on_disk(disk, buf, name, ret))
			return true;
	}
	return false;
}

static uint64_t load_initrd(struct efi_load_file *self, struct efi_device_path *path,
			    uint8_t policy, size_t *bytes, void *buffer)
{
	const struct initrd *initrd = (const struct initrd *)self;
	bool fits = buffer && *bytes >= initrd->bytes;

	(void)path;
	(void)policy;
	*bytes = initrd->bytes;
	if (!fits)
		return EFI_BUFFER_TOO_SMALL;
	for (size_t i = 0; i < initrd->bytes; i++)
		((uint8_t *)buffer)[i] = initrd->data[i];
	return EFI_SUCCESS;
}

static size_t append(efi_char line[CMDLINE_CHARS], size_t at, const char *text, size_t max)
{
	for (size_t i = 0; i < max && text[i] != '\0' && at < CMDLINE_CHARS - 1; i++)
		line[at++] = (efi_char)text[i];
	line[at] = 0;
	return at;
}

static size_t append_text(efi_char line[CMDLINE_CHARS], size_t at, const char *text)
{
	size_t len = 0;

	while (text[len] != '\0')
		len++;
	return append(line, at, text, len);
}

static void start_linux(const struct standin *s, const uint8_t *kernel, size_t kernel_bytes,
			struct initrd *initrd, efi_char *line, size_t line_chars)
{
	struct efi_loaded_image *loaded = NULL;
	void *image = NULL, *handle = NULL;

	if (s->system->boot->load_image(0, s->image, NULL, kernel, kernel_bytes, &image) !=
		    EFI_SUCCESS ||
	    s->system->boot->open_protocol(image, &loaded_image_guid, (void **)&loaded, s->image,
					   NULL, 2) != EFI_SUCCESS) {
		standin_say(s, "[stand-in] the kernel is no program for this firmware\r\n");
		return;
	}
	loaded->options = line;
	loaded->options_bytes = (uint32_t)((line_chars + 1) * sizeof(*line));
	if (s->system->boot->install_multiple_protocol_interfaces(
		    &handle, &load_file2_guid, (void *)&initrd->protocol, &device_path_guid,
		    (const void *)initrd_path, NULL) != EFI_SUCCESS)
		return;
	standin_say(s, "[stand-in] starting the kernel\r\n");
	(void)s->system->boot->start_image(image, NULL, NULL);
}

static size_t in_pages(size_t bytes, size_t page_bytes)
{
	return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

/* The whole partition is in memory; kernel, then initramfs, each from a page of its own on. */
static void start_boot_image(const struct standin *s, const uint8_t *image, size_t image_bytes,
			     const char *root)
{
	static efi_char line[CMDLINE_CHARS];
	static struct initrd initrd = { { load_initrd }, NULL, 0 };
	size_t kernel_bytes = le32(image + 8), page_bytes = le32(image + 36), at, initrd_at;

	initrd.bytes = le32(image + 16);
	if (image[0] != 'A' || image[1] != 'N' || image[7] != '!' || page_bytes < 2048 ||
	    page_bytes > 65536 || kernel_bytes > image_bytes || initrd.bytes > image_bytes) {
		standin_say(s, "[stand-in] no boot image in the kernel partition\r\n");
		return;
	}
	initrd_at = page_bytes + in_pages(kernel_bytes, page_bytes);
	if (initrd_at + initrd.bytes > image_bytes) {
		standin_say(s, "[stand-in] the boot image is cut off\r\n");
		return;
	}
	initrd.data = image + initrd_at;
	at = append(line, 0, (const char *)image + BOOT_CMDLINE_OFFSET, BOOT_CMDLINE_BYTES);
	at = append_text(line, at, " console=ttyAMA0 panic=1 root=PARTLABEL=");
	at = append_text(line, at, root);
	start_linux(s, image + page_bytes, kernel_bytes, &initrd, line, at);
}

void standin_boot(const struct standin *s, unsigned slot)
{
	static const char *const kernel[2] = { "A_kernel", "B_kernel" };
	static const char *const root[2] = { "APP", "APP_b" };
	struct standin_partition part;
	uint8_t *image;
	size_t bytes;

	if (!standin_find_partition(s, kernel[slot], &part)) {
		standin_say(s, "[stand-in] no kernel partition\r\n");
		return;
	}
	bytes = (size_t)part.blocks * GPT_HEADER_BYTES;
	if (part.blocks > IMAGE_BYTES_MAX / GPT_HEADER_BYTES)
		return;
	image = allocate(s, bytes);
	if (!image || !read_disk(part.disk, part.first_lba, image, bytes)) {
		standin_say(s, "[stand-in] the kernel partition cannot be read\r\n");
		return;
	}
	start_boot_image(s, image, bytes, root[slot]);
}
