import { counted } from '../../format/amount.ts';
import { nameOf } from '../../format/text.ts';
import type { Figures } from './figures.ts';
import type { Matter } from './matter.ts';

/** The agents of an owner that are paused or frozen, each with the page where its status is changed. */
export const stoppedMatters = (
  { items, of }: NonNullable<Figures['stopped']>,
  self: string,
): readonly Matter[] => {
  const named = items.map(({ account, label, status }) => ({
    text:
      account === self
        ? `Your account is ${status}: every call of your agents is denied`
        : `${nameOf(account, label)} is ${status}: its calls are denied`,
    href: `/agents/${account}`,
  }));
  const rest = of - items.length;
  if (rest === 0) return named;
  const more = `${counted(rest, 'more agent')} ${rest === 1 ? 'is' : 'are'} paused or frozen`;
  return [...named, { text: more, href: '/agents' }];
};
