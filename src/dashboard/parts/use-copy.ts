import { useState } from 'preact/hooks';

const SHOWN_MS = 1500;

/** Copies a text to the clipboard. `copied` is true for a moment afterwards. */
export const useCopy = (text: string): { readonly copied: boolean; readonly copy: () => void } => {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  return { copied, copy: () => void copy() };
};
