import { signal } from '@preact/signals';
import { expect, it, vi } from 'vitest';
import type { Reader } from '../../../../../src/client/management-request.ts';
import { readOutgoing } from '../../../../../src/client/outgoing.ts';
import { ownReader } from '../../../../../src/dashboard/data/gateway/own-reader.ts';
import type { AccountId } from '../../../../../src/protocol/account-id.ts';
import { accountOf } from '../../../../../src/dashboard/session/stored-session.ts';
import { sessionOf } from '../../session/tabs.ts';

const [first, second] = [accountOf(sessionOf('aa', 1)), accountOf(sessionOf('bb', 2))];

it('sends no read of one account by the session of another', async () => {
  const self = signal<AccountId | undefined>(first);
  const read = vi.fn<Reader>(async () => Response.json({}));
  const own = ownReader(first, self, read);
  const request = await readOutgoing('https://gw.example/accounts/a');
  await own(request);
  for (const other of [undefined, second]) {
    self.value = other;
    await expect(own(request)).rejects.toThrow('signed out');
  }
  expect(read).toHaveBeenCalledTimes(1);
  self.value = first;
  await own(request);
  expect(read).toHaveBeenCalledTimes(2);
});
