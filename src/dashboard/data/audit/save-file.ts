/** Offers a file that the page made for download. */
export const saveFile = (name: string, parts: readonly BlobPart[], type: string): void => {
  const url = URL.createObjectURL(new Blob([...parts], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads the blob after the click: an address that is revoked at once saves nothing.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};
