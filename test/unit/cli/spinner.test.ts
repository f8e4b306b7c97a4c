import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOutput, createProgress } from '../../../src/cli/lib/output.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A terminal that shows what both streams write. `\r ESC[2K` erases the current line. */
const terminal = () => {
  let text = '';
  const write = (chunk: string | Uint8Array): boolean => {
    text += typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk);
    return true;
  };
  const stream = { isTTY: true, columns: 80, write, once: () => undefined };
  return {
    stream,
    write,
    lines: () =>
      text
        .split('\n')
        .map((line) => line.slice(line.lastIndexOf('\u001B[2K') + 1).replace('[2K', '')),
  };
};

const opened = () => {
  const shown = terminal();
  const { stream } = shown;
  const progress = createProgress(stream as never, false, new AbortController().signal, () =>
    out.isLineOpen(),
  );
  const out = createOutput({
    ...{
      json: false,
      colour: false,
      env: {} as never,
      stdout: stream as never,
      stderr: stream as never,
    },
    beforeWrite: progress.clear,
  });
  return { ...shown, out, progress };
};

describe('the spinner', () => {
  it('is cleared before a line is printed, and drawn again below it', async () => {
    const { out, progress, lines } = opened();
    let end = (): void => undefined;
    const work = progress.during('opening', () => new Promise<void>((resolve) => (end = resolve)));
    await vi.advanceTimersByTimeAsync(1_500);
    expect(lines().at(-1)).toMatch(/opening … 1 s$/);
    out.item({}, () => 'first decision');
    out.note('a remark');
    expect(lines()).toEqual(['first decision', 'a remark', '']);
    await vi.advanceTimersByTimeAsync(200);
    expect(lines().at(-1)).toMatch(/opening … 1 s$/);
    end();
    await work;
    expect(lines()).toEqual(['first decision', 'a remark', '']);
  });

  it('is not drawn into a line that an answer left open', async () => {
    const { out, progress, lines } = opened();
    const work = progress.during(
      'reading',
      () => new Promise((resolve) => setTimeout(resolve, 3_000)),
    );
    await out.bytes(new TextEncoder().encode('{"half":'));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(lines()).toEqual(['{"half":']);
    await out.bytes(new TextEncoder().encode('1}\n'));
    await vi.advanceTimersByTimeAsync(200);
    expect(lines()).toEqual(['{"half":1}', expect.stringContaining('reading')]);
    await vi.advanceTimersByTimeAsync(3_000);
    await work;
    expect(lines()).toEqual(['{"half":1}', '']);
  });

  it('of another command in the terminal is not part of an item', () => {
    const { out, write, lines } = opened();
    write('⠋ decrypting … 2 s');
    out.item({}, () => 'a decision');
    expect(lines()).toEqual(['a decision', '']);
  });
});
