import { checksummed } from '../../crypto/checksum.ts';
import type { FleetAgent } from './keystore.ts';
import type { Output } from './output.ts';
import { table } from './table.ts';

/** Agents for people. */
export const agentTable = (
  { width, style }: Output,
  rows: readonly { readonly fleet: string; readonly agent: FleetAgent }[],
): string =>
  table(
    [{ title: 'AGENT' }, { title: 'NO', align: 'right' }, { title: 'ADDRESS', cut: 'middle' }],
    rows.map(({ fleet, agent }) => [
      `${fleet}/${agent.name}`,
      String(agent.index),
      checksummed(agent.address),
    ]),
    width,
    (text, _, row) => (row === 'title' ? style.dim(text) : text),
  );

/** Agents for programs. */
export const agentDocument = ({ index, name, address }: FleetAgent) => ({
  index,
  name,
  address: checksummed(address),
});
