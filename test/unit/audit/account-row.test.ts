import { expect, it } from 'vitest';
import { newRow, rowAfter } from '../../../src/audit/account-row.ts';
import { type AccountId, accountId, network } from '../../../src/protocol/account-id.ts';
import { type Facts, factsOf } from '../../../src/protocol/log/facts.ts';

const account = (byte: string): AccountId => accountId(network(84_532), `0x${byte.repeat(20)}`);
const [manager, owner, other] = [account('aa'), account('bb'), account('cc')];

const entry = (seq: number, type: Facts['type'], outcome: object): Facts =>
  factsOf({ type, outcome, seq });

const above = rowAfter(newRow(1), entry(1, 'grant.taken', { above: [manager, owner] }));

it('has the ancestors that remain from the entry on that names them, of whatever type', () => {
  expect(above.ancestors).toEqual([manager, owner]);
  const cutOff = entry(2, 'call.accepted', { ancestors: [owner] });
  expect(rowAfter(above, cutOff)).toMatchObject({ ancestors: [owner], seq: 2 });
});

it('has the ancestors of a grant that is taken in the entry that names those of the grant before', () => {
  const moved = entry(2, 'grant.taken', { above: [other], ancestors: [owner] });
  expect(rowAfter(above, moved)).toMatchObject({ parent: other, ancestors: [other] });
});
