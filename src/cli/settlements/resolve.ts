import { defineCommand, REASON } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { reasonIn } from '../lib/input.ts';
import { CALL, commandSettlement, PAYER } from '../lib/settlements.ts';

export const command = defineCommand({
  summary: 'charge or release the price of a call whose tool gave no answer, as operator',
  arguments: [PAYER, CALL],
  options: [
    { flags: '--charge', summary: 'the tool did its work: charge the price' },
    { flags: '--release', summary: 'the tool did no work: release the price to the agent' },
    REASON,
  ],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const charge = input.flag('charge');
    if (charge === input.flag('release')) {
      throw usageError(
        'The command needs either --charge or --release.',
        'Give --charge if the tool did its work, else --release.',
      );
    }
    const reason = reasonIn(input);
    await commandSettlement(
      session,
      input,
      charge ? 'price charged' : 'price released to the agent',
      async (admin, params) =>
        admin.call('settlements.resolve', { params, body: { charge, reason } }),
    );
  },
});
