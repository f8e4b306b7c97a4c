import { Link } from 'wouter-preact';
import { toolName } from '../format/tool-name.ts';

/** A call by its tool, with its story behind it. */
export const CallLink = ({
  account,
  call,
  tool = 'unknown',
}: {
  readonly account: string;
  readonly call: string;
  readonly tool?: string | undefined;
}) => <Link href={`/calls/${account}/${call}`}>{toolName(tool)}</Link>;
