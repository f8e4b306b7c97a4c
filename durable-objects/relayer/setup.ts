import { readRelayerKeys, readRelayers } from '../../src/config/backend-settings.ts';
import { gatewayAccount } from '../../src/config/config.ts';
import { readFacilitates } from '../../src/config/facilitates.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { Address, Hex } from '../../src/core/hex.ts';
import { err, ok, type Result } from '../../src/core/result.ts';
import {
  type AccountId,
  chainIdOf,
  type Network,
  parseAccountId,
} from '../../src/protocol/account-id.ts';
import type { Token } from '../../src/protocol/payment.ts';
import { tokenOf } from '../../src/protocol/x402/networks.ts';
import {
  allPayees,
  readFormerPayTo,
  readGatewayAccount,
  readPayTo,
} from '../../src/config/payees.ts';
import { readConfirmations, readReach, readRpcUrls } from '../../src/config/settings.ts';
import type { RelayerSetting } from '../../src/settlement/backends/relayer.ts';
import { bytesSchema, readAnswer, rpcBatch } from '../../src/settlement/chain/json-rpc.ts';
import {
  addressOfPrivateKey,
  readSigned,
  type SignedTransaction,
  signRequest,
  signTransaction,
  type UnsignedTransaction,
} from '../../src/settlement/relayer/transaction.ts';
import * as z from 'zod/mini';

/** The settings of a relayer, read once per object. */
export type Setup = {
  readonly network: Network;
  readonly chainId: number;
  readonly token: Token;
  /** The gateway's payees, former ones included. */
  readonly payees: readonly Address[];
  /** Receiving addresses of other sellers. */
  readonly facilitates: readonly Address[];
  readonly urls: readonly string[];
  readonly confirmations: number;
  readonly address: Address;
  /** How many keys of the gateway share the chain, this one included. */
  readonly keys: number;
  readonly batch: number;
  readonly wait: Seconds;
  /** Wei. */
  readonly maxFeePerGas: bigint;
  readonly sign: Sign;
  /** The gateway's own account, which raises the relayer's alerts. */
  readonly gateway: AccountId;
};

type Environment = { readonly [name: string]: unknown };

/** Why there is no relayer: the name of the faulty variable, never its value. `absent`: the operator has configured none. */
export type SetupFault = { readonly variable: string; readonly kind: 'absent' | 'malformed' };

const textOf = (environment: Environment, name: string): string => {
  const value = environment[name];
  return typeof value === 'string' ? value.trim() : '';
};

/** Reads the settings of the relayer whose key names the object (CAIP-10). */
export const readSetup = (
  environment: Environment,
  name: string | undefined,
): Result<Setup, SetupFault> => {
  const fault = (variable: string, kind: SetupFault['kind'] = 'malformed') =>
    err({ variable, kind });
  const key = parseAccountId(name ?? '');
  const token = key && tokenOf(key.network);
  const chainId = key && chainIdOf(key.network);
  if (key === undefined || chainId === undefined || token === undefined)
    return fault('network', 'absent');
  const { network, address } = key;
  const reach = readReach(textOf(environment, 'LOCAL_STACK'), textOf(environment, 'AUDIENCES'));
  if (!reach.ok) return fault('LOCAL_STACK');
  const relayers = readRelayers(textOf(environment, 'RELAYERS'), reach.value);
  if (!relayers.ok) return fault('RELAYERS');
  const setting = relayers.value.get(network);
  if (setting?.addresses.includes(address) !== true) return fault('RELAYERS', 'absent');
  const payTo = readPayTo(textOf(environment, 'PAY_TO'));
  if (!payTo.ok) return fault('PAY_TO');
  const former = readFormerPayTo(textOf(environment, 'FORMER_PAY_TO'));
  if (!former.ok) return fault('FORMER_PAY_TO');
  const payees = allPayees(payTo.value, former.value).get(network);
  if (payees === undefined) return fault('PAY_TO');
  const gateway = readGatewayAccount(textOf(environment, 'GATEWAY_ACCOUNT'));
  if (!gateway.ok) return fault('GATEWAY_ACCOUNT');
  const facilitates = readFacilitates(textOf(environment, 'FACILITATES'));
  if (!facilitates.ok) return fault('FACILITATES');
  const rpcUrls = readRpcUrls(textOf(environment, 'RPC_URLS'), reach.value);
  const urls = rpcUrls.ok ? rpcUrls.value.get(network) : undefined;
  if (urls === undefined) return fault('RPC_URLS');
  const confirmations = readConfirmations(textOf(environment, 'CONFIRMATIONS'));
  if (!confirmations.ok) return fault('CONFIRMATIONS');
  const sign = signerOf(environment, address, setting);
  if (sign === undefined) return fault('RELAYER_KEY');
  const networks = [...payTo.value.keys()] as [Network, ...Network[]];
  return ok({
    network,
    chainId,
    token,
    payees,
    facilitates: facilitates.value.get(network) ?? [],
    urls,
    confirmations: confirmations.value,
    address,
    keys: setting.addresses.length,
    batch: setting.batch,
    wait: setting.wait,
    maxFeePerGas: setting.maxFeePerGas,
    sign,
    gateway: gatewayAccount({ gateway: gateway.value, networks, payTo: payTo.value }),
  });
};

/** A key of another address would pay from an account that the operator does not watch. */
const signerOf = (
  environment: Environment,
  address: Address,
  { signer }: RelayerSetting,
): Sign | undefined => {
  if (signer !== undefined) return remoteSigner(signer, address);
  const keys = readRelayerKeys(textOf(environment, 'RELAYER_KEY'));
  const own = keys.ok ? keys.value.find((key) => isKeyOf(key, address)) : undefined;
  return own && keySigner(own);
};

const isKeyOf = (key: Hex, address: Address): boolean => {
  try {
    return addressOfPrivateKey(key) === address;
  } catch {
    return false; // The key is zero, or not below the order of the curve.
  }
};

/** Signs a transaction with the relayer's key. */
export type Sign = (unsigned: UnsignedTransaction) => Promise<Result<SignedTransaction, SignFault>>;

export type SignFault = 'signer_unreachable' | 'signer_refused' | 'signer_lied';

const TIMEOUT_MS = 10_000;

export const keySigner =
  (key: Hex): Sign =>
  async (unsigned) =>
    ok(signTransaction(unsigned, key));

/** Some signers return the bytes alone, geth returns `{raw, tx}`. */
const answerSchema = z.union([
  bytesSchema,
  z.pipe(
    z.object({ raw: bytesSchema }),
    z.transform(({ raw }) => raw),
  ),
]);

/** Signs with a remote key (`eth_signTransaction`). The answer is accepted only if it is exactly the requested transaction. */
export const remoteSigner =
  (url: string, address: Address): Sign =>
  async (unsigned) => {
    const call = { method: 'eth_signTransaction', params: [signRequest(unsigned, address)] };
    const answers = await rpcBatch([url], [call], { timeoutMs: TIMEOUT_MS });
    if (!answers.ok) return err('signer_unreachable');
    const [answer] = answers.value;
    if (answer?.ok !== true) return err('signer_refused');
    const raw = readAnswer(answer, answerSchema);
    const signed = raw === undefined ? undefined : readSigned(raw, unsigned, address);
    return signed === undefined ? err('signer_lied') : ok(signed);
  };
