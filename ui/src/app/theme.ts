// SPDX-License-Identifier: MPL-2.0
import { createTheme, type CSSVariablesResolver } from '@mantine/core';
import { createElement } from 'react';
import { Icons } from '../components/icons';

/** Colours are for state; everything else is ink on paper. */
export const theme = createTheme({
  primaryColor: 'blue',
  primaryShade: { light: 8, dark: 8 },
  colors: { dark: ['#e4e8ee', '#b8c0cb', '#9aa5b3', '#6b7684', '#38414d', '#2b323c', '#1d222a', '#171b21', '#101318', '#0b0d11'] },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace',
  defaultRadius: 'sm',
  cursorType: 'pointer',
  components: {
    Button: { defaultProps: { fw: 500 } },
    NativeSelect: { defaultProps: { rightSection: createElement(Icons.down, { size: 14 }), rightSectionPointerEvents: 'none' } },
  },
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '1.375rem' }, h2: { fontSize: '1.0625rem' }, h3: { fontSize: '0.9375rem' } } },
});

/** Colours of states and surfaces, by scheme; contrast with the surface is at least 4.5 for text. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--surface': '#ffffff',
    '--surface-sunken': '#f5f6f8',
    '--line': '#dfe3e8',
    '--ink': '#1a1f27',
    '--ink-dim': '#5a6472',
    '--link': '#1557b0',
    '--good': '#187a4b',
    '--good-soft': '#dff3e8',
    '--bad': '#c22b2b',
    '--bad-soft': '#fbe4e4',
    '--warn': '#9a5b00',
    '--warn-soft': '#fdf0d5',
    '--busy': '#1c62b9',
    '--busy-soft': '#e0ecfa',
    '--idle': '#5a6472',
    '--idle-soft': '#e9ecf0',
    '--mantine-color-body': '#ffffff',
    '--mantine-color-text': '#1a1f27',
    '--mantine-color-dimmed': '#5a6472',
    '--mantine-color-default-border': '#cfd5dc',
    '--mantine-color-error': '#c22b2b',
  },
  dark: {
    '--surface': '#171b21',
    '--surface-sunken': '#101318',
    '--line': '#2b323c',
    '--ink': '#e4e8ee',
    '--ink-dim': '#9aa5b3',
    '--link': '#82b5f5',
    '--good': '#57c98e',
    '--good-soft': '#15352a',
    '--bad': '#f58b8b',
    '--bad-soft': '#44202a',
    '--warn': '#e9b65b',
    '--warn-soft': '#3d2f16',
    '--busy': '#7db4f7',
    '--busy-soft': '#1a2f4a',
    '--idle': '#9aa5b3',
    '--idle-soft': '#262d37',
    '--mantine-color-body': '#171b21',
    '--mantine-color-text': '#e4e8ee',
    '--mantine-color-dimmed': '#9aa5b3',
    '--mantine-color-default': '#1d222a',
    '--mantine-color-default-hover': '#262d37',
    '--mantine-color-default-border': '#38414d',
    '--mantine-color-error': '#f58b8b',
    '--mantine-color-placeholder': '#8b96a4',
  },
});
