import { defineCommand } from '../lib/command.ts';
import { Ended, EXIT } from '../lib/errors.ts';
import { deliveryText, openScope, SCOPE, sendTestAlert, WEBHOOK } from '../lib/webhooks.ts';

export const command = defineCommand({
  summary: 'deliver a test alert now; exit code 1 if the delivery fails',
  arguments: [WEBHOOK],
  options: SCOPE,
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const delivery = await session.progress.during('delivering', async () =>
      sendTestAlert(await openScope(session, input), input.arguments[0] ?? ''),
    );
    const isDelivered = delivery.outcome === 'delivered';
    out.result(
      delivery,
      () =>
        `${isDelivered ? out.style.good('delivered') : out.style.bad('not delivered')}  ${deliveryText(delivery)}, ${delivery.ms} ms`,
    );
    if (!isDelivered) throw new Ended(EXIT.failed);
  },
});
