import { rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { Input } from '../command.ts';
import { openOffice, roleOf } from '../manage/office.ts';
import { accountNamed, namesOf } from '../manage/who.ts';
import type { Session } from '../session.ts';
import { counted } from '../text.ts';

const CLEAR = '\r\u001B[2K';
const PATIENCE_MS = 1000;

/** `audit export`: the log of an account as it was hashed, or its calls as a table, into a file that is there whole or not at all. */
export const exportLog = async (session: Session, input: Input): Promise<void> => {
  const { out, signal } = session;
  const format = input.text('format') === 'csv' ? 'csv' : 'ndjson';
  const office = await openOffice(session, roleOf(input));
  const account = await accountNamed(office, input.arguments[0] ?? '');
  const pages =
    format === 'csv'
      ? office.export('account.calls', { params: { account }, query: { format, limit: 500 } })
      : office.export('account.entries', { params: { account }, query: { format, limit: 500 } });
  const path = input.text('out');
  if (path === undefined || path === '-') {
    const encoder = new TextEncoder();
    for await (const page of pages) await out.bytes(encoder.encode(page));
    return;
  }
  const draft = `${path}.${process.pid}.draft`;
  const file = await open(draft, 'wx');
  // Ctrl-C ends the process without coming back here.
  const discard = (): void => rmSync(draft, { force: true });
  signal.addEventListener('abort', discard, { once: true });
  const from = performance.now();
  let [lines, bytes] = [0, 0];
  const shows = process.stderr.isTTY && !out.json;
  try {
    for await (const page of pages) {
      signal.throwIfAborted();
      await file.writeFile(page);
      lines += page.split('\n').length - 1;
      bytes += Buffer.byteLength(page);
      if (shows && performance.now() - from > PATIENCE_MS)
        process.stderr.write(`${CLEAR}${counted(lines, 'line')} …`.slice(0, 60));
    }
    await file.sync();
    await file.close();
    await rename(draft, path);
  } catch (thrown) {
    await file.close().catch(() => undefined);
    await rm(draft, { force: true });
    throw thrown;
  } finally {
    signal.removeEventListener('abort', discard);
    if (shows) process.stderr.write(CLEAR);
  }
  const rows = format === 'csv' ? Math.max(0, lines - 1) : lines;
  const names = await namesOf(session);
  out.result({ account, format, file: path, rows, bytes }, () =>
    [
      `${out.style.good('written')}  ${format === 'csv' ? counted(rows, 'call') : rows === 1 ? '1 entry' : `${rows} entries`} of ${names.of(account)} to ${path}`,
      ...(format === 'csv'
        ? []
        : [out.style.dim(`\`countersign audit verify ${path}\` verifies them, offline`)]),
    ].join('\n'),
  );
};
