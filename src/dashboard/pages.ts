import type { ComponentType } from 'preact';
import type { PageProps, Role } from './data/session/scope.ts';

export type PageEntry = {
  /** Its address below `/dashboard`. `:name` is a parameter. */
  readonly path: string;
  /** Its name in the navigation. A page without a name is reached from another page. */
  readonly name?: string;
  /** Its icon there: a path on a square of 24 units. */
  readonly icon?: string;
  /** Whether the navigation leaves a gap before it. */
  readonly isApart?: boolean;
  readonly roles: readonly Role[];
  /** Loads its code when it is opened, so that the first load stays small. */
  readonly load: () => Promise<ComponentType<PageProps>>;
};

const EVERYBODY: readonly Role[] = ['operator', 'owner'];
const OPERATORS: readonly Role[] = ['operator'];
const OWNERS: readonly Role[] = ['owner'];

/** Every page, in the order of the navigation. */
export const PAGES: readonly PageEntry[] = [
  {
    path: '/',
    name: 'Overview',
    icon: 'M4 4h6v7H4zM14 4h6v4h-6zM14 12h6v8h-6zM4 15h6v5H4z',
    roles: EVERYBODY,
    load: async () => (await import('./pages/overview/overview.tsx')).Overview,
  },
  {
    path: '/agents',
    name: 'Agents',
    icon: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-3 4-4 8-4s7 1 8 4',
    roles: EVERYBODY,
    load: async () => (await import('./pages/agents/agents.tsx')).Agents,
  },
  {
    path: '/agents/new',
    roles: OWNERS,
    load: async () => (await import('./pages/agent/new-agent.tsx')).NewAgent,
  },
  {
    path: '/agents/:account',
    roles: EVERYBODY,
    load: async () => (await import('./pages/agent/agent.tsx')).Agent,
  },
  {
    path: '/tools',
    name: 'Tools',
    icon: 'M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9',
    roles: OPERATORS,
    load: async () => (await import('./pages/tools/tools.tsx')).Tools,
  },
  {
    path: '/tools/new',
    roles: OPERATORS,
    load: async () => (await import('./pages/tools/new-tool.tsx')).NewTool,
  },
  {
    path: '/tools/import',
    roles: OPERATORS,
    load: async () => (await import('./pages/tools/import-tools.tsx')).ImportTools,
  },
  {
    path: '/tools/id/:tool',
    roles: OPERATORS,
    load: async () => (await import('./pages/tools/tool.tsx')).Tool,
  },
  {
    path: '/calls',
    name: 'Calls',
    icon: 'M4 8h15l-4-4M20 16H5l4 4',
    roles: EVERYBODY,
    load: async () => (await import('./pages/calls/calls.tsx')).Calls,
  },
  {
    path: '/calls/:account/:call',
    roles: EVERYBODY,
    load: async () => (await import('./pages/calls/call.tsx')).Call,
  },
  {
    path: '/approvals',
    name: 'Approvals',
    icon: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8 12l3 3 5-6',
    roles: EVERYBODY,
    load: async () => (await import('./pages/approvals/approvals.tsx')).Approvals,
  },
  {
    path: '/spending',
    name: 'Spending',
    icon: 'M5 20v-6M12 20V4M19 20V10',
    isApart: true,
    roles: EVERYBODY,
    load: async () => (await import('./pages/spending/spending.tsx')).Spending,
  },
  {
    path: '/earned',
    roles: OPERATORS,
    load: async () => (await import('./pages/earned/earned.tsx')).Earned,
  },
  {
    path: '/denials',
    name: 'Denials',
    icon: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM5.6 5.6l12.8 12.8',
    roles: EVERYBODY,
    load: async () => (await import('./pages/denials/denials.tsx')).Denials,
  },
  {
    path: '/settlements',
    name: 'Settlements',
    icon: 'M12 3l9 5-9 5-9-5zM3 13l9 5 9-5',
    roles: OPERATORS,
    load: async () => (await import('./pages/settlements/settlements.tsx')).Settlements,
  },
  {
    path: '/audit',
    name: 'Audit',
    icon: 'M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM9 12l2 2 4-4',
    roles: EVERYBODY,
    load: async () => (await import('./pages/audit/audit.tsx')).Audit,
  },
  {
    path: '/secrets',
    name: 'Secrets',
    icon: 'M5 11h14v9H5zM8 11V8a4 4 0 0 1 8 0v3',
    isApart: true,
    roles: OPERATORS,
    load: async () => (await import('./pages/secrets/secrets.tsx')).Secrets,
  },
  {
    path: '/signer',
    name: 'Signer',
    icon: 'M4 20l1-5L16 4l4 4L9 19zM13 7l4 4',
    roles: EVERYBODY,
    load: async () => (await import('./pages/signer/signer.tsx')).Signer,
  },
  {
    path: '/settings',
    name: 'Settings',
    icon: 'M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4',
    roles: EVERYBODY,
    load: async () => (await import('./pages/settings/settings.tsx')).Settings,
  },
];
