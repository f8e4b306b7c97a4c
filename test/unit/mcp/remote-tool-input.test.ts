import { describe, expect, it } from 'vitest';
import { answer } from '../remote/remote-server.ts';
import { problemIn, send, sendModern } from './fixture.ts';
import { paid, sell, text, useQuietGateway } from './remote-tool-support.ts';

useQuietGateway();

describe('a tool that requires input', () => {
  const required = {
    resultType: 'input_required',
    inputRequests: {
      name: {
        method: 'elicitation/create',
        params: {
          mode: 'form',
          message: 'Name?',
          requestedSchema: { type: 'object', properties: {} },
        },
      },
    },
    requestState: 'opaque+/=',
  };

  it('passes its request on, the state untouched, and costs nothing', async () => {
    const { gateway, asked, calls } = await sell((request) => answer(request, required));
    const capabilities = { elicitation: { form: {} }, extensions: { 'org.x402/payment': {} } };
    const { result } = await sendModern(gateway, 'tools/call', await paid(), capabilities);
    expect(result).toMatchObject(required);
    expect(result?._meta?.['countersign/hint']).toContain('charged nothing');
    expect(asked[1]).toMatchObject({ outcome: { success: false, status: 422 } });
    // The remote server must not believe that the gateway pays it.
    expect(calls()[0]?.message.params?.['_meta']).toMatchObject({
      'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
    });
  });

  it('gets the answers and the state, which the payer signs with the arguments', async () => {
    const { gateway, calls } = await sell((request) => answer(request, { content: text('hello') }));
    const members = {
      inputResponses: { name: { action: 'accept', content: {} } },
      requestState: 'opaque+/=',
    };
    const { result } = await sendModern(gateway, 'tools/call', await paid(members));
    expect(result).toMatchObject({ content: text('hello') });
    expect(calls()[0]?.message.params).toMatchObject(members);

    const stolen = { ...(await paid()), ...members };
    const answered = await sendModern(gateway, 'tools/call', stolen);
    expect(problemIn(answered, 'intent-mismatch')['field']).toBe(
      'Agent-Intent.intent.payloadDigest',
    );
    expect(calls()).toHaveLength(1);
  });

  it('fails for a client of an older revision, and runs once', async () => {
    const { gateway, calls } = await sell((request) => answer(request, required));
    const { result } = await send(gateway, 'tools/call', await paid());
    expect(result?.isError).toBe(true);
    expect(result?.content[0]?.text).toContain('requires input');
    expect(calls()).toHaveLength(1);
  });
});
