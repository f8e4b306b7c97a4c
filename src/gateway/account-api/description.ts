import {
  accountTool,
  callsTool,
  creditsTool,
  delegationsTool,
  refundsTool,
  revocationsTool,
} from '../../catalog/gateway-tools.ts';
import { type Config, gatewayAccount } from '../../config/config.ts';
import { checksummed } from '../../crypto/address.ts';
import { chainIdOf } from '../../protocol/account-id.ts';
import {
  AGENT_INTENT_HEADER,
  AGENT_INTENT_TYPE,
  MAX_AGENT_INTENT,
  MAX_INTENT_WINDOW,
  UNPAID_SKEW,
} from '../../protocol/intent/agent-intent.ts';
import { BOUND_VALID_AFTER } from '../../protocol/intent/binding.ts';
import { RETRY_KEY_HEADER } from '../../protocol/intent/retry-key.ts';
import { PAYMENT_HEADER } from '../../protocol/x402/headers.ts';
import { tokenOf } from '../../protocol/x402/networks.ts';

/** The fields of the type as `eth_signTypedData_v4` wants them. */
const FIELDS = AGENT_INTENT_TYPE.replace(/^AgentIntent\(|\)$/g, '')
  .split(',')
  .map((field) => {
    const [type = '', name = ''] = field.split(' ');
    return { name, type };
  });

/**
 * Describes how to sign for this gateway, for a client that has read nothing else: what to sign, how to send it bound to a payment or
 * alone, when it is valid, and for which networks. Public.
 */
export const description = (config: Config, audience: string) => ({
  version: 1,
  audience,
  audiences: config.audiences,
  gateway_account: gatewayAccount(config),
  networks: config.networks.flatMap((network) => {
    const token = tokenOf(network);
    const payTo = config.payTo.get(network);
    return token === undefined || payTo === undefined
      ? []
      : {
          network,
          chain_id: String(chainIdOf(network)),
          asset: checksummed(token.address),
          pay_to: checksummed(payTo),
        };
  }),
  typed_data: {
    domain: { name: 'Countersign', version: '1', chainId: 'chain_id of one of networks' },
    primaryType: 'AgentIntent',
    type: AGENT_INTENT_TYPE,
    types: { AgentIntent: FIELDS },
  },
  fields: {
    audience: 'the value of audience above',
    tool: 'as the 401 or 402 names it',
    target: 'path and query of the URL, as sent',
    contentType: 'the header Content-Type, as sent; empty without one',
    payloadDigest: 'SHA-256 of the body bytes; of zero bytes without a body',
    payTo: 'pay_to of the network; zero if the call costs nothing',
    asset: 'asset of the network; zero if the call costs nothing',
    maxAmount:
      'atomic units, at least the price; for a tool of variable price the most it may charge',
    nonce:
      'SHA-256 of "countersign-retry/1", a line feed and 32 random bytes that only the client has',
    authority: 'digest of the grant that the call uses; zero for the default grant, or for none',
  },
  max_validity: MAX_INTENT_WINDOW,
  paid: {
    binding: 'eip3009-nonce',
    rule: 'the nonce of the EIP-3009 authorization is the EIP-712 digest of the intent, its validAfter is exactly valid_after, and its from is the agent',
    valid_after: BOUND_VALID_AFTER.toString(),
    header: PAYMENT_HEADER[2],
    field: 'extensions["agent-intent"].info.intent',
    window: 'validAfter <= now < validBefore; the authorization may last longer, for settlement',
  },
  retry: {
    header: RETRY_KEY_HEADER,
    encoding: 'base64url without padding of the 32 bytes that the nonce commits to',
    use: 'with every repeat of a signed request: the gateway returns a stored answer only with it',
  },
  unpaid: {
    header: AGENT_INTENT_HEADER,
    encoding: 'base64url without padding of JSON',
    json: { v: 1, chainId: 'decimal', intent: 'all fields, integers as decimals', signature: '0x' },
    max_length: MAX_AGENT_INTENT,
    window: `validAfter - ${UNPAID_SKEW} <= now < validBefore + ${UNPAID_SKEW}`,
    use: 'for free tools, and to pay for other tools from credit',
  },
  tools: [
    creditsTool(0n),
    callsTool,
    accountTool,
    delegationsTool,
    revocationsTool,
    refundsTool,
  ].map(({ id, method, path }) => ({ id, method, path })),
});
