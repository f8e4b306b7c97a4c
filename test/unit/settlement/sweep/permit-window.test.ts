import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { expect, test } from 'vitest';
import { usdc, usdcAbi } from '../../../../dev/stack/chain-access.ts';
import { readWindow } from '../../../../src/settlement/sweep/window.ts';
import { chain, freshPayer, headBlock, mined, rpc } from '../real-chain.ts';
import { approvedPayer, CHARGE, lower, permitFrom, sendSettlement } from '../real-permits.ts';

test('reads settled permits as payments of their nonces, and other transfers as unsolicited', async () => {
  const to = lower(privateKeyToAddress(generatePrivateKey()));
  const [payer, sender] = [await approvedPayer(), await freshPayer(0n)];
  const from = await headBlock();
  const terms = { to, charge: CHARGE };
  const [one, other] = [
    await permitFrom(payer, lower(sender.address), terms),
    await permitFrom(payer, lower(sender.address), terms),
  ];
  const hashes = [await sendSettlement(sender, one), await sendSettlement(sender, other)];
  const plain = await mined(
    await chain.client.writeContract({
      ...{ account: payer, address: usdc.address, abi: usdcAbi },
      ...{ functionName: 'transfer', args: [to, CHARGE] },
    }),
  );
  const receiver = { urls: [rpc], token: usdc.address, payees: [to] } as const;
  const read = await readWindow(receiver, { from, to: await headBlock() });
  const moved = { payer: lower(payer.address), amount: CHARGE };
  expect(read).toMatchObject({
    ok: true,
    value: {
      payments: [one, other].map(({ authorization: { nonce } }, at) => ({
        ...{ ...moved, nonce, transaction: hashes[at] },
      })),
      unsolicited: [{ ...moved, transaction: plain }],
    },
  });
});
