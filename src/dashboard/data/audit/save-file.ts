/** Offers a file that the page made for download. */
export const saveFile = (name: string, parts: readonly BlobPart[], type: string): void => {
  const url = URL.createObjectURL(new Blob([...parts], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads the blob after the click: if the URL were revoked at once, nothing would be saved.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};
