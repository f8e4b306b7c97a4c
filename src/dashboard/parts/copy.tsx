import { useState } from 'preact/hooks';
import { shortened } from '../format/text.ts';
import './copy.css';

const SHOWN_MS = 1500;

/** Copies a text, and says so for a moment. */
const useCopy = (text: string): { readonly copied: boolean; readonly copy: () => void } => {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  return { copied, copy: () => void copy() };
};

/** An id, shortened in the middle, with a button that copies all of it. */
export const Id = ({ text, label }: { readonly text: string; readonly label: string }) => {
  const { copied, copy } = useCopy(text);
  return (
    <span class="id">
      <code title={text}>{shortened(text)}</code>
      <button type="button" class="icon" aria-label={`Copy ${label}`} onClick={copy}>
        {copied ? 'copied' : 'copy'}
      </button>
    </span>
  );
};

/** A command to copy. */
export const CommandLine = ({ text }: { readonly text: string }) => {
  const { copied, copy } = useCopy(text);
  return (
    <span class="command">
      <code>{text}</code>
      <button type="button" onClick={copy}>
        {copied ? 'Copied' : 'Copy'}
      </button>
    </span>
  );
};
