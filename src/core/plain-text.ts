/** Controls and line separators: text with them has several lines, or changes how a terminal shows the line. */
// oxlint-disable-next-line no-control-regex -- the controls are what it finds
const BREAKS = /[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g;

/**
 * Characters that no reader sees, but that reorder the text around them (bidirectional controls, CVE-2021-42574), or that carry text to a
 * model which a person does not see (zero-width characters, tags). The joiners U+200C and U+200D stay: scripts and emoji need them.
 */
const UNSEEN =
  /[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]+/gu;

/** Returns text of another party as one line, which a person reads as a program does. Lone surrogates become U+FFFD. */
export const plainText = (text: string): string =>
  text.toWellFormed().replace(UNSEEN, '').replace(BREAKS, ' ').trim();

/** A character that has no shape of its own: a control, a joiner, a filler, a variation selector, a space other than U+0020. */
const SHAPELESS =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800]|(?! )\p{Zs}|^[ \p{M}]| $| {2}/u;
/** Sequences in which joiners and selectors shape the characters around them. */
const EMOJI = /\p{RGI_Emoji}/gv;

/**
 * Whether a person sees every character of a name.
 *
 * Attack: a name with U+200B looks like the name of another account in every list, although the texts differ.
 */
export const isVisible = (name: string): boolean =>
  name !== '' && !SHAPELESS.test(name.replace(EMOJI, 'x'));

/** Returns `plainText` with single spaces and at most `limit` characters; an ellipsis marks text that was cut. */
export const shortText = (text: string, limit: number): string => {
  // Cuts first: a description may be megabytes long.
  const line = plainText(text.slice(0, limit * 4)).replace(/\s+/g, ' ');
  if (line.length <= limit) return line;
  return `${line
    .slice(0, limit - 1)
    .replace(/[\ud800-\udbff]$/, '')
    .trimEnd()}…`;
};

/** Quotes text for a POSIX shell. Attack: a schema or URL of another party would otherwise end the quotes and run a command (CWE-78). */
export const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
