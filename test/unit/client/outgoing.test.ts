import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/client/index.ts';
import { sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import type { PaymentPayload } from '../../../src/protocol/x402/payload-schema.ts';
import { parsePaymentSignature } from '../../../src/protocol/x402/payment-payload.ts';
import { account, agentOf, offer, scripted, URL_OF_TOOL, type Arrived } from './server.ts';

const proofOf = (arrived: Arrived | undefined): PaymentPayload => {
  const header = arrived?.headers.get('PAYMENT-SIGNATURE') ?? '';
  const parsed = parsePaymentSignature(header);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
};

describe('a request of the agent', () => {
  it('that costs nothing returns its answer unchanged', async () => {
    const server = scripted(() => new Response('free', { status: 201 }));
    const answer = await agentOf(server).fetch(new URL(URL_OF_TOOL));
    expect([answer.status, await answer.text()]).toEqual([201, 'free']);
    expect(answer.countersign).toMatchObject({ paid: 'none', binding: 'none', charged: 0n });
    expect(answer.countersign.call).toBeUndefined();
  });

  it('keeps headers, body and method of a Request, twice', async () => {
    const server = scripted(
      () => offer(),
      () => new Response('ok'),
    );
    const form = new FormData();
    form.set('file', new Blob(['bytes']), 'a.txt');
    const request = new Request(`${URL_OF_TOOL}#part`, {
      method: 'PUT',
      body: form,
      headers: { 'x-trace': '7' },
    });
    await agentOf(server).fetch(request);
    const [first, second] = server.arrived;
    expect(first?.url).toBe(URL_OF_TOOL);
    expect(second?.body).toBe(first?.body);
    expect(second?.method).toBe('PUT');
    expect(second?.headers.get('x-trace')).toBe('7');
    const { intent } = proofOf(second);
    expect(intent?.contentType).toMatch(/^multipart\/form-data; ?boundary=/);
    expect(intent?.contentType).toBe(second?.headers.get('content-type'));
    expect(intent?.payloadDigest).toBe(sha256Hex(utf8(second?.body ?? '')));
  });

  it('reads a stream once', async () => {
    const server = scripted(
      () => offer(),
      () => new Response('ok'),
    );
    const body = new Response('streamed').body;
    await agentOf(server).fetch(URL_OF_TOOL, { method: 'POST', body });
    expect(server.arrived.map((each) => each.body)).toEqual(['streamed', 'streamed']);
  });

  it.each(['PAYMENT-SIGNATURE', 'X-PAYMENT', 'Agent-Intent'])(
    'with a header %s of the caller is rejected',
    async (name) => {
      const server = scripted();
      const error = await agentOf(server)
        .fetch(URL_OF_TOOL, { headers: { [name]: 'x' } })
        .catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: 'header_reserved' });
      expect(server.arrived).toHaveLength(0);
    },
  );

  it('that the caller aborts signs and sends nothing more', async () => {
    const stop = new AbortController();
    const server = scripted(() => offer());
    let signed = 0;
    const agent = agentOf(server, {
      hooks: { onOffer: () => stop.abort(new Error('enough')) },
      account: {
        address: account.address,
        signTypedData: async (data) => {
          signed += 1;
          return await account.signTypedData(data as never);
        },
      },
    });
    await expect(agent.fetch(URL_OF_TOOL, { signal: stop.signal })).rejects.toThrow('enough');
    expect(signed).toBe(0);
    expect(agent.spending().signed).toBe(0n);
    expect(server.arrived).toHaveLength(1);
  });

  it('to an unreachable server throws unreachable', async () => {
    const server = scripted(() => {
      throw new TypeError('no route');
    });
    const error = await agentOf(server)
      .fetch(URL_OF_TOOL)
      .catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(CountersignError);
    expect(error).toMatchObject({ code: 'unreachable' });
  });
});
