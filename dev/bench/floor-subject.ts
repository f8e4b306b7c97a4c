import { type Bench, newDirectory, start, type Subject, type Upstream } from './subject.ts';
import type { Binding } from './workerd.ts';
import { freePort, LOOPBACK } from '../stack/loopback.ts';
import { people } from '../stack/people.ts';
import { newReceiptKey } from '../../src/cli/init/files.ts';

/** A floor (`test/bench/peers/floor.ts`) with the queues of the gateway's bench. */
export type FloorSubject = Subject & { readonly audience: string };

export const startFloor = async (
  { workspace, bundles }: Bench,
  upstream: Upstream,
  changes: { readonly inspector?: number } = {},
): Promise<FloorSubject> => {
  const port = await freePort();
  const audience = `http://${LOOPBACK}:${port}`;
  const bindings: Readonly<Record<string, Binding>> = {
    UPSTREAM_URL: { text: upstream.url },
    AUDIENCE: { text: audience },
    PAY_TO: { text: people.payTo.toLowerCase() },
    RECEIPT_KEY: { text: await newReceiptKey() },
    FLOOR: { objects: 'Floor' },
    SETTLEMENT_QUEUE: { service: 'bindings', entrypoint: 'SettlementQueue' },
    AUDIT_QUEUE: { service: 'bindings', entrypoint: 'AuditQueue' },
  };
  const floor = {
    ...{ name: 'floor', script: bundles.of('floor'), more: bundles.wasm },
    ...{ classes: ['Floor'], port, bindings },
  };
  const queues = {
    name: 'bindings',
    script: bundles.of('bindings'),
    bindings: { AGENT_ACCOUNT: { objects: 'Floor', of: 'floor' } },
  };
  const process = await start(newDirectory(workspace, 'floor'), [floor, queues], changes);
  return { ...process, port, audience };
};
