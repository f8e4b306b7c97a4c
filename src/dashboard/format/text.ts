/* Texts that agents, tools, upstreams and webhooks choose. Preact escapes them; these rules keep them readable. */

/** Controls that change the direction of what follows (Unicode TR9): a name could read as another one. */
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/gu;

/** A text from outside, without direction controls; other control characters are visible as U+FFFD. */
export const shown = (text: string): string => text.replace(BIDI, '').replace(CONTROL, '\ufffd');

const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** The label of an account; undefined if it has none that a person could see. */
export const labelShown = (label: string | undefined): string | undefined => {
  const text = shown(label ?? '');
  return VISIBLE.test(text.replaceAll('\ufffd', '')) ? text : undefined;
};

/** The name of an account in a sentence: its label, else its address. */
export const nameOf = (account: string, label: string | undefined): string =>
  labelShown(label) ?? shortened(addressIn(account));

/** `0x06a3…3377`. Texts of 14 characters or fewer stay whole. */
export const shortened = (id: string): string =>
  id.length <= 14 ? id : `${id.slice(0, 6)}…${id.slice(-4)}`;

/** The address of a CAIP-10 account. */
export const addressIn = (account: string): string => account.slice(account.lastIndexOf(':') + 1);

/** The network of a CAIP-10 account (CAIP-2). */
export const networkIn = (account: string): string => account.slice(0, account.lastIndexOf(':'));

/** A word of the API as a person reads it: `in_progress` is "in progress". */
export const worded = (word: string): string => word.replaceAll('_', ' ');

/** The gateway sells credit as this tool. */
export const TOP_UP = 'countersign.credits';

/** A tool by its id. Buying credit is a call too: it is named for what it does. */
export const toolName = (tool: string): string => (tool === TOP_UP ? 'top-up' : shown(tool));
