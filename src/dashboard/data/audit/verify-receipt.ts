import type { Report } from '../../../audit/verify/index.ts';
import type { Management } from '../../../client/management.ts';
import type { CallName } from '../calls/call-story.ts';
import { receiptKeys } from './public-text.ts';
import { verifyInWorker } from './verify-in-worker.ts';

/** A receipt without the name of its header, as people copy it. */
export const bareReceipt = (text: string): string => text.trim().replace(/^agent-receipt:\s*/i, '');

const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const MAX_RECEIPT = 8_192;

/** Whether a text has the form of a receipt. */
export const isReceipt = (text: string): boolean =>
  text.length <= MAX_RECEIPT && COMPACT_JWS.test(text);

/** Verifies a receipt with the keys that this gateway publishes, against the entries about its call. */
export const verifyReceiptOfCall = async (
  management: Management,
  { account, call }: CallName,
  receipt: string,
  signal: AbortSignal,
): Promise<Report['checks'][number] | undefined> => {
  const [keys, { body }] = await Promise.all([
    receiptKeys(),
    management.call('account.call', { params: { account, call }, signal }),
  ]);
  const { first, last } = body.entries;
  const lines: string[] = [];
  const pages = management.export('account.entries', {
    params: { account },
    query: { format: 'ndjson', limit: 500, after: `${first - 1}` },
    signal,
  });
  for await (const page of pages) {
    lines.push(page);
    // The receipt names an entry between the two; a later entry shows that the chain continued.
    if (page.split('\n').length < 500 || seqOf(page) > last) break;
  }
  const { checks } = await verifyInWorker(
    {
      entries: [{ name: 'entries', blob: new Blob(lines) }],
      receipts: { text: `${receipt}\n`, keys },
    },
    { signal, onProgress: () => undefined },
  );
  return checks.find(({ check }) => check === 'receipts');
};

/** The seq of the last entry of a page. */
const seqOf = (page: string): number => {
  const line = page.trimEnd().split('\n').at(-1) ?? '{}';
  return Number((JSON.parse(line) as { readonly seq?: number }).seq ?? 0);
};
