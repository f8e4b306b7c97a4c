import { expect, it } from 'vitest';
import {
  publicToolsIn,
  sellsForDollars,
} from '../../../../../src/dashboard/data/tools/public-tools.ts';

it.each([
  [{ tools: [{ id: 'lookup' }, { id: 'bookshop', asset: 'iso4217:USD' }] }, true],
  [{ tools: [{ id: 'lookup', asset: 'eip155:1/erc20:0x11' }, null] }, false],
  [{ tools: 'none' }, false],
  [undefined, false],
])('finds tools that are priced in dollars: %j', (listing, found) => {
  expect(sellsForDollars(publicToolsIn(listing))).toBe(found);
});
