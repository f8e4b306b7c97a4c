/** Lines around a change that the diff shows. */
const CONTEXT = 3;

type Line = { readonly mark: ' ' | '-' | '+'; readonly text: string };

/**
 * The difference of two texts as `diff -u` prints it. Empty for equal texts.
 *
 * @param before undefined: the file is new. `after` undefined: the file is removed.
 */
export const unifiedDiff = (
  name: string,
  before: string | undefined,
  after: string | undefined,
): string => {
  if (before === after) return '';
  const lines = changes(linesOf(before), linesOf(after));
  const head = [
    `--- ${before === undefined ? '/dev/null' : `a/${name}`}`,
    `+++ ${after === undefined ? '/dev/null' : `b/${name}`}`,
  ];
  return [...head, ...hunks(lines)].join('\n');
};

const NO_NEWLINE = '\n\\ No newline at end of file';

const linesOf = (text: string | undefined): readonly string[] => {
  if (text === undefined || text === '') return [];
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  return last === '' ? lines : [...lines, last + NO_NEWLINE];
};

/** A longest common subsequence. Configuration files are short: a table of all pairs of lines is small. */
const changes = (before: readonly string[], after: readonly string[]): readonly Line[] => {
  const width = after.length + 1;
  const common = new Uint32Array((before.length + 1) * width);
  const at = (row: number, column: number): number => common[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1)
    for (let column = after.length - 1; column >= 0; column -= 1)
      common[row * width + column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const [old, fresh] = [before[row], after[column]];
    if (old !== undefined && old === fresh) {
      lines.push({ mark: ' ', text: old });
      [row, column] = [row + 1, column + 1];
    } else if (
      old !== undefined &&
      (fresh === undefined || at(row + 1, column) >= at(row, column + 1))
    ) {
      lines.push({ mark: '-', text: old });
      row += 1;
    } else {
      lines.push({ mark: '+', text: fresh ?? '' });
      column += 1;
    }
  }
  return lines;
};

const hunks = (lines: readonly Line[]): readonly string[] => {
  const shown = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ mark }) => mark !== ' '),
  );
  let [old, fresh] = [0, 0];
  const printed: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (shown[index] === true) {
      if (shown[index - 1] !== true) {
        const end = shown.indexOf(false, index);
        const hunk = lines.slice(index, end < 0 ? undefined : end);
        const range = (from: number, without: Line['mark']): string => {
          const count = hunk.filter(({ mark }) => mark !== without).length;
          return `${count === 0 ? from : from + 1},${count}`;
        };
        printed.push(`@@ -${range(old, '+')} +${range(fresh, '-')} @@`);
      }
      printed.push(line.mark + line.text);
    }
    if (line.mark !== '+') old += 1;
    if (line.mark !== '-') fresh += 1;
  }
  return printed;
};
