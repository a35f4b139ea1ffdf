"""What a deployment needs, checked: `parley doctor` is `bot.doctor.command`.

`examination` names the checks, each module beside it holds those of one thing.
"""
