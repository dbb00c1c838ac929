// SPDX-License-Identifier: MIT
import { Button, Menu, MenuButton, MenuItemRadio, MenuList, MenuPopover, MenuTrigger } from "@fluentui/react-components";
import { DismissRegular } from "@fluentui/react-icons";
import "../styles/chips.css";

export interface Choice {
  value: string;
  text: string;
}

interface Props {
  name: string;
  value: string | undefined;
  choices: readonly Choice[];
  onChange: (value?: string) => void;
  /** The text of the choice that is no filter; null if one of the others must be chosen. */
  any?: string | null;
}

/** A filter: a button that shows what is chosen, with a menu, and one to remove it. */
export function FilterChip({ name, value, choices, onChange, any = "Any" }: Props) {
  const shown = choices.find((choice) => choice.value === value)?.text ?? value;
  return (
    <span className={value === undefined || any === null ? "chip" : "chip chip-set"}>
      <Menu
        checkedValues={{ value: [value ?? ""] }}
        onCheckedValueChange={(_, data) => onChange(data.checkedItems[0] || undefined)}
        positioning="below-start"
      >
        <MenuTrigger disableButtonEnhancement>
          <MenuButton size="small" appearance="transparent" className="chip-button">
            <span className="chip-name">{name}</span>
            {shown !== undefined && <span className="chip-value">{shown}</span>}
          </MenuButton>
        </MenuTrigger>
        <MenuPopover>
          <MenuList className="chip-menu">
            {any !== null && (
              <MenuItemRadio name="value" value="">
                {any}
              </MenuItemRadio>
            )}
            {choices.map((choice) => (
              <MenuItemRadio key={choice.value} name="value" value={choice.value}>
                {choice.text}
              </MenuItemRadio>
            ))}
          </MenuList>
        </MenuPopover>
      </Menu>
      {value !== undefined && any !== null && (
        <Button size="small" appearance="transparent" className="chip-clear" icon={<DismissRegular />} aria-label={`Remove the filter ${name}`} onClick={() => onChange(undefined)} />
      )}
    </span>
  );
}
