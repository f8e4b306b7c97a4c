/** What a terminal shows after a program's output: its rows, and which screen. Knows the sequences of the dashboard, and fails on others. */
export type Shown = {
  readonly lines: readonly string[];
  readonly isAlternate: boolean;
  readonly hasCursor: boolean;
  readonly wraps: boolean;
};

const SEQUENCE = /^\u001B(?:\[(\?)?([0-9;]*)([A-Za-z]))/;

export const emulate = (raw: string, columns: number, rows: number): Shown => {
  let screen = blank(columns, rows);
  let [x, y] = [0, 0];
  let [isAlternate, hasCursor, wraps] = [false, true, true];
  for (let at = 0; at < raw.length;) {
    const [whole, mark, numbers = '', letter] = SEQUENCE.exec(raw.slice(at, at + 24)) ?? [];
    if (whole === undefined) {
      const letter_ = String.fromCodePoint(raw.codePointAt(at) ?? 0);
      at += letter_.length;
      if (letter_ === '\r') x = 0;
      else if (letter_ === '\n') y = Math.min(rows - 1, y + 1);
      else if (letter_ < ' ') throw new Error(`control character ${letter_.charCodeAt(0)}`);
      else {
        const row = screen[y];
        if (row !== undefined && x < columns) row[x] = letter_;
        x = Math.min(columns, x + 1);
      }
      continue;
    }
    at += whole.length;
    const [first = 1, second = 1] = numbers.split(';').map(Number);
    if (mark !== undefined) {
      const isOn = letter === 'h';
      if (first === 1049) {
        isAlternate = isOn;
        screen = blank(columns, rows);
        [x, y] = [0, 0];
      } else if (first === 25) hasCursor = isOn;
      else if (first === 7) wraps = isOn;
      else throw new Error(`unknown mode ${first}`);
    } else if (letter === 'H') [x, y] = [second - 1, first - 1];
    else if (letter === 'K') screen[y]?.fill(' ', x);
    else if (letter === 'J') screen = blank(columns, rows);
    else if (letter !== 'm') throw new Error(`unknown sequence ${JSON.stringify(whole)}`);
  }
  return { lines: screen.map((row) => row.join('').trimEnd()), isAlternate, hasCursor, wraps };
};

const blank = (columns: number, rows: number): string[][] =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => ' '));
