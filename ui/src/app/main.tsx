// SPDX-License-Identifier: MPL-2.0
import './styles';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { uiBase } from '../api/client';
import { updates } from './live';
import { nonce } from './nonce';
import { queries } from './query';
import { Routes } from './routes';
import { Shell } from './shell';
import { theme, variables } from './theme';

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <Router base={uiBase.pathname.replace(/\/$/, '')}>
          <Shell>
            <Routes />
          </Shell>
        </Router>
      </QueryClientProvider>
    </MantineProvider>,
  );
  updates.start();
}
